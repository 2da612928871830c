"""The engine with no key and no network: reads an annotation off the abstract by rules."""
