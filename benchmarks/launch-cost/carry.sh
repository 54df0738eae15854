#!/usr/bin/env bash
# Makes a folder that a machine with a GPU needs nothing beside, and says what to
# run there. usage: benchmarks/launch-cost/carry.sh FOLDER [BUILD]
#
# In the folder: the benchmark of launches with a bundle of the seed's chain
# (H = 64, E = 7168), and indexer-run with its library, stripped and packed, for the
# time of a cold compilation. measure.sh runs all of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:?usage: carry.sh FOLDER [BUILD]}
build=${2:-build}

mkdir -p "$folder"
"$build/bin/indexer-compile" --heads 64 --hidden 7168 --chips sm_90a -o "$folder/head_gate.idxb"
cp "$build/bin/indexer-launch-cost" "$build/bin/indexer-run" "$folder/"
/usr/lib/llvm-22/bin/llvm-strip -o "$folder/libindexer.so" "$build/lib/libindexer.so"
xz -f -T0 "$folder/libindexer.so"
strip "$folder/indexer-launch-cost" "$folder/indexer-run"
# The assembler of this machine, where the other one may have none.
ptxas=$(command -v /usr/local/cuda/bin/ptxas ptxas | head -n 1)
[ -z "$ptxas" ] || xz -c -T0 "$ptxas" >"$folder/ptxas.xz"
cp examples/head_gate.mlir benchmarks/launch-cost/first_calls.py "$folder/"
mkdir -p "$folder/timing"
cp benchmarks/timing/{__init__,bundle_kernel,driver}.py "$folder/timing/"
# The same chain for one number of tokens.
for tokens in 1 5 16 129 512; do
  sed -e "s/?/$tokens/g" -e 's/ (%tokens)/()/; s/(%tokens)/()/g' \
    -e "s/output_shape \[%tokens, /output_shape [$tokens, /" \
    examples/head_gate.mlir >"$folder/head_gate_$tokens.mlir"
done

cat >"$folder/measure.sh" <<'SCRIPT'
#!/usr/bin/env bash
# usage: measure.sh OUT
set -uo pipefail
cd "$(dirname "$0")"
out=$1
for packed in *.xz; do
  python3 -c "
import lzma, os, shutil, sys
shutil.copyfileobj(lzma.open(sys.argv[1] + '.xz'), open(sys.argv[1], 'wb'))
os.chmod(sys.argv[1], 0o755)" "${packed%.xz}"
done
export LD_LIBRARY_PATH=$PWD PATH=$PWD:$PATH INDEXER_CACHE_DIR=off
./indexer-launch-cost head_gate.idxb --json "$out/launch-cost.json" | tee "$out/launch-cost.txt"
INDEXER_CHECK_POINTERS=1 ./indexer-launch-cost head_gate.idxb --soak 0 \
  --json "$out/launch-cost-checked.json" | tee "$out/launch-cost-checked.txt"
# Cold compilations, each in a process of its own: for one number of tokens, and
# for any with that many in the first call; then from the cache.
for repeat in 1 2 3; do
  for tokens in 1 5 16 129 512; do
    echo "== T = $tokens only, cold"
    ./indexer-run "head_gate_$tokens.mlir" --verbose --no-reference
  done
  for tokens in 1 5 16 64 129 256 512 1024 4096 8192 12000 16384 65536; do
    echo "== any T, first $tokens, cold"
    ./indexer-run head_gate.mlir --verbose --no-reference --tokens $tokens
  done
done 2>&1 | tee "$out/cold.txt"
python3 first_calls.py head_gate.mlir --library ./libindexer.so 2>&1 | tee "$out/first-calls.txt"
export INDEXER_CACHE_DIR=$out/cache
for repeat in 1 2 3; do
  echo "== any T, first 5, cache"
  ./indexer-run head_gate.mlir --verbose --tokens 5
done 2>&1 | tee "$out/cached.txt"
rm -rf "$out/cache"
SCRIPT
chmod +x "$folder/measure.sh"
du -sh "$folder"
echo "there: bash $folder/measure.sh \$OUT"
