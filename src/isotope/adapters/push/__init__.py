"""Notifications to apps: Firebase Cloud Messaging, and a stand-in that needs no account. Both are a `PushSender`."""

from isotope.adapters.push.outbox import OutboxNotification, OutboxPush, list_push_outbox

__all__ = ["OutboxNotification", "OutboxPush", "list_push_outbox"]
