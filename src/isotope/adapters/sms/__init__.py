"""Text messages: Twilio, and a stand-in that needs no account. Both implement `identity.ports.SmsSender`."""

from isotope.adapters.sms.outbox import OutboxMessage, OutboxSms, list_outbox
from isotope.adapters.sms.twilio import TwilioSms

__all__ = ["OutboxMessage", "OutboxSms", "TwilioSms", "list_outbox"]
