"""Messages written down: as text for e-mail, as JSON for machines, as a custom notification for chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.notifications.message import one_line

if TYPE_CHECKING:
    from wavebreak.domain.notifications.message import Message

SCHEMA_VERSION: Final = 1
"""Of the JSON; counted up when a field changes its meaning or goes (docs/notification.schema.json)."""

_CHAT_TITLE: Final = 250
_CHAT_DESCRIPTION: Final = 8000
_CHAT_STEPS: Final = 10
_CHAT_MARKS: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"})
"""What would mention a channel, make a link or break out of a code span in a chat."""


def title_of(message: Message) -> str:
    """Return the line above the body: emoji and title."""
    return f"{message.presentation.emoji} {message.presentation.title}"


def text_of(message: Message) -> str:
    """Write a message for people who read plain text."""
    width = max((len(label) for label, _ in message.facts), default=0) + 1
    parts = [
        title_of(message),
        *([message.summary] if message.summary else []),
        message.sentence,
        "\n".join(f"{label + ':':{width}} {value}" for label, value in message.facts),
    ]
    if message.waves:
        parts.append("\n".join(["Waves", *_wave_lines(message)]))
    if message.block:
        parts.append(message.block)
    if message.steps:
        widest = max(len(step.command) for step in message.steps)
        steps = [f"  {step.command:{widest}}   {step.purpose}" for step in message.steps]
        parts.append("\n".join(["What can be done next", *steps]))
    return "\n\n".join(parts) + "\n"


def _wave_lines(message: Message) -> list[str]:
    widest = max(len(wave.name) for wave in message.waves)
    lines = []
    for wave in message.waves:
        note = f"  {wave.note}" if wave.note else ""
        lines.append(f"  {wave.badge['icon']} {wave.number:>2}  {wave.name:{widest}}  {wave.badge['label']}{note}")
    return [*lines, *([f"  and {message.more_waves} more"] if message.more_waves else [])]


def document_of(message: Message) -> dict[str, Any]:
    """Write a message for machines, as docs/notification.schema.json says."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "type": message.kind.value,
        "subject": message.subject,
        "title": message.presentation.title,
        "color": message.presentation.color,
        **message.fields,
        "nextSteps": [{"command": step.command, "purpose": step.purpose} for step in message.steps],
    }


def chat_document_of(message: Message) -> dict[str, Any]:
    """Write a message as a custom notification, schema 1.0, of Amazon Q Developer in chat applications."""
    facts = "\n".join(f"*{label}:* {_chat(value)}" for label, value in message.facts)
    about = [message.summary, _chat(message.sentence), facts, f"```{_chat(message.block)}```" if message.block else ""]
    thread = message.attributes.get("executionId") or message.attributes.get("commandId") or message.kind.value
    content = {
        "textType": "client-markdown",
        "title": one_line(_chat(message.subject), _CHAT_TITLE),
        "description": "\n\n".join(part for part in about if part)[:_CHAT_DESCRIPTION],
        "keywords": [message.kind.value, message.attributes["status"]],
    }
    if message.steps:
        steps = message.steps[:_CHAT_STEPS]
        content["nextSteps"] = [f"{step.purpose}: `{step.command}`" for step in steps]
    sequence = message.attributes.get("sequence")
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{thread}-{sequence}" if sequence else thread,
        "content": content,
        "metadata": {
            "threadId": thread,
            "summary": one_line(_chat(message.subject), _CHAT_TITLE),
            "eventType": message.kind.value,
            "additionalContext": dict(message.attributes),
        },
    }


def _chat(text: str) -> str:
    return text.translate(_CHAT_MARKS)
