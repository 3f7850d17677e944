"""The commands that every launched instance comes with: plausible, harmless, and kept to the instance's own directory.

They stand for an application called ``orders``. What they know of it is in files below the machine's root, which they
find from where they are themselves.
"""

from __future__ import annotations

from typing import Final

_HEAD: Final = """\
#!/bin/sh
set -u
root=${0%/opt/wavebreak/commands/*}
state_file=$root/var/lib/orders/state
state=$(cat "$state_file")
set_state() { printf '%s\\n' "$1" > "$state_file"; }
must_be_installed() {
  [ "$state" != uninstalled ] || { echo "orders is not installed" >&2; exit 4; }
}
"""

_STATUS: Final = """\
echo "service: orders"
echo "state: $state"
echo "configuration: $(cat "$root/etc/orders.conf" 2>/dev/null || echo none)"
case $state in running) exit 0 ;; stopped) exit 3 ;; *) exit 4 ;; esac
"""

# A line's score is the share of its characters that the words looked for make up.
_QUERY: Final = """\
must_be_installed
words="$*" awk '
  BEGIN { wanted = tolower(ENVIRON["words"]) }
  wanted == "" || index(tolower($0), wanted) {
    text = $0
    gsub(/\\\\/, "\\\\\\\\", text)
    gsub(/"/, "\\\\\\"", text)
    printf "{\\"score\\": %.2f, \\"text\\": \\"%s\\"}\\n", wanted == "" ? 0 : length(wanted) / length($0), text
  }
' "$root/var/lib/orders/records.txt"
"""

_WATCH: Final = """\
must_be_installed
count=0
while :; do
  count=$((count + 1))
  echo "orders: $state, $count"
  sleep 0.5
done
"""

_FIX_CONFIG: Final = """\
must_be_installed
printf 'site=recovery\\n' > "$root/etc/orders.conf"
echo "configuration applied"
"""

_START: Final = """\
must_be_installed
set_state running
echo "orders is running"
"""

_STOP: Final = """\
must_be_installed
set_state stopped
echo "orders is stopped"
"""

_UNINSTALL: Final = """\
must_be_installed
rm -f "$root/etc/orders.conf"
set_state uninstalled
echo "orders is uninstalled"
"""

COMMANDS: Final = {
    name: _HEAD + body
    for name, body in (
        ("query", _QUERY),
        ("status", _STATUS),
        ("watch", _WATCH),
        ("fix-config", _FIX_CONFIG),
        ("start", _START),
        ("stop", _STOP),
        ("uninstall", _UNINSTALL),
    )
}

FILES: Final = {
    "etc/orders.conf": "site=primary\n",
    "var/lib/orders/state": "running\n",
    "var/lib/orders/records.txt": """\
Order 1001 paid, 3 items, shipped to Lisbon
Order 1002 refused: card expired
Order 1003 paid, 1 item, waiting for stock
Refund for order 0998 booked
""",
}
