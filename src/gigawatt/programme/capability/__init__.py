"""What compute buys: laws of scaling, losses, scores beside rivals, and who has how much of it."""
