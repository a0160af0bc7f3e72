"""What the SDK's documentation imports from the SDK's own tests."""
