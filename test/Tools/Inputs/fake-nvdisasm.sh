#!/bin/sh
# A disassembler that only looks at the file's first bytes: nvdisasm -c FILE.
[ "$1" = -c ] && [ "$(head -c 4 "$2" | tail -c 3)" = ELF ] &&
  echo "disassembling an ELF file"
