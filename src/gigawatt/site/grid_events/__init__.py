"""What happens at a campus when the grid dips, fails, or asks for less."""
