"""The parts behind the package's face."""
