#!/bin/bash
# A hook, as such entry points run them.
echo "starting with $(id -un)"
