"""What the tests of the image and the conformance suite share; fixtures stand in the conftests."""
