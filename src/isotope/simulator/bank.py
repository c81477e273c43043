"""The card provider's pages as a browser uses them: a form is sent, redirects are followed, a page comes at the end."""

from typing import Final

import httpx2

from isotope.simulator.api import ApiUnavailableError

_TIMEOUT_S: Final = 25.0
_OK_BELOW: Final = 300


class Bank:
    """One browser for many riders. It carries nothing of the API's: no key, no token."""

    def __init__(self) -> None:
        self._browser = httpx2.AsyncClient(
            headers={"User-Agent": "isotope-simulator"}, timeout=httpx2.Timeout(_TIMEOUT_S), follow_redirects=True
        )

    async def aclose(self) -> None:
        await self._browser.aclose()

    async def save_card(self, page: str, card: str) -> None:
        """Choose a test card by its name on the page of `add-payment-method`.

        Raises:
            ApiUnavailableError: there is no such page, or no such card on it.
        """
        await self._send(page, {"action": "save", "card": card})

    async def confirm(self, page: str, *, yes: bool) -> None:
        """Say yes or no to a payment, on the page of a top-up's `redirect_url`.

        Raises:
            ApiUnavailableError: there is no such page.
        """
        await self._send(page, {"action": "confirm" if yes else "decline"})

    async def _send(self, page: str, form: dict[str, str]) -> None:
        try:
            shown = await self._browser.post(page, data=form)
        except httpx2.HTTPError as error:
            raise ApiUnavailableError(f"the card provider's page: {type(error).__name__}") from error
        if shown.status_code >= _OK_BELOW:
            raise ApiUnavailableError(f"the card provider's page: {shown.status_code}")
