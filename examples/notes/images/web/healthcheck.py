#!/usr/bin/python3 -S
"""Exit 0 when the notes application answers, and both of its stores answer it."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
connection.request("GET", "/healthz")
response = connection.getresponse()
sys.stdout.write(response.read().decode())
sys.exit(response.status != http.client.OK)
