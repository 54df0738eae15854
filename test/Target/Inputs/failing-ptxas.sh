#!/bin/sh
# An assembler that refuses everything.
echo "ptxas fatal : Unresolved extern function 'missing'"
echo "a second line"
exit 255
