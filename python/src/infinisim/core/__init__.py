"""The parts behind ``infinisim.infinibox``."""
