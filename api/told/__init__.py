"""What each route answers, as types: the schemas of the API's description. Tests hold every answer against them."""
