"""allybin: propose combined review bins, with proof of how good they are."""
