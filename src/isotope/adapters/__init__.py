"""The outside world behind ports: each port has a real adapter and a stand-in."""
