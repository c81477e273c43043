"""Who is offered which trip: gather what is known, match it without any input or output, offer."""
