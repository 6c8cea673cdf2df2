"""AWS's wires on this machine: plain ASGI applications, answered in the form in which AWS answers."""
