"""What a role is not shown whole."""

from isotope.dashboards.masking import masked_email, masked_name, masked_phone


def test_people() -> None:
    assert masked_name("Ada  King Lovelace") == "A. K. L."
    assert masked_phone("401234567") == "***567"
    assert masked_email("ada@example.test") == "a***@example.test"
    assert (masked_name(""), masked_phone(""), masked_email("")) == ("", "", "")
    assert masked_email("@") == "***@"
