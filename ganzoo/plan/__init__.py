"""From a recipe to a plan: which part fills each slot, what every setting is, and why."""
