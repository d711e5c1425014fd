"""From a recoil to a count."""
