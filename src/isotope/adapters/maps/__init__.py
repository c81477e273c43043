"""Roads and places of the outside world, behind the ports of the room maps."""
