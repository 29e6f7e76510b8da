"""A trace of real requests on instances of the model."""
