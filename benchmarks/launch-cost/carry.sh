#!/usr/bin/env bash
# Makes a folder that a machine with a GPU needs nothing beside, and says what to
# run there. usage: benchmarks/launch-cost/carry.sh FOLDER [BUILD]
#
# In the folder: the benchmark of launches with a bundle of the seed's chain
# (H = 64, E = 7168), and indexer-run with its library, stripped and packed, for the
# time of a cold compilation. measure.sh runs all of it, in 150 s at most.
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
git rev-parse --short HEAD >"$folder/commit"
mkdir -p "$folder/timing"
cp benchmarks/timing/{__init__,bundle_kernel,driver}.py "$folder/timing/"
# The same chain for one number of tokens.
for tokens in 1 16 512; do
  sed -e "s/?/$tokens/g" -e 's/ (%tokens)/()/; s/(%tokens)/()/g' \
    -e "s/output_shape \[%tokens, /output_shape [$tokens, /" \
    examples/head_gate.mlir >"$folder/head_gate_$tokens.mlir"
done

cat >"$folder/measure.sh" <<'SCRIPT'
#!/usr/bin/env bash
# usage: measure.sh OUT
#
# Every step has a limit in seconds, and all have 150 together. After each of them
# OUT/launch-cost.tar has what is there, with the steps' list in steps.txt.
set -uo pipefail
mkdir -p "$1"
tar=$(realpath "$1")/launch-cost.tar
cd "$(dirname "$0")"
end=$((SECONDS + 150))
export results
results=$(mktemp -d)
cp commit "$results/"
export LD_LIBRARY_PATH=$PWD PATH=$PWD:$PATH INDEXER_CACHE_DIR=off

# step NAME LIMIT COMMAND...: what it prints goes to NAME.txt.
step() {
  local name=$1 limit=$2 start=$SECONDS left=$((end - SECONDS)) status="not run"
  shift 2
  ((limit < left)) || limit=$left
  if ((limit > 0)); then
    timeout -k 5 "$limit" "$@" >"$results/$name.txt" 2>&1
    status=$?
  fi
  echo "$name: status $status, $((SECONDS - start)) s of at most $limit" |
    tee -a "$results/steps.txt"
  tar -C "$results" -cf "$tar.part" . && mv "$tar.part" "$tar"
}

unpack() {
  for packed in *.xz; do
    python3 -c "
import lzma, os, shutil, sys
shutil.copyfileobj(lzma.open(sys.argv[1] + '.xz'), open(sys.argv[1], 'wb'))
os.chmod(sys.argv[1], 0o755)" "${packed%.xz}"
  done
}

# Cold compilations, each in a process of its own: for one number of tokens, and
# for any with that many in the first call.
cold() {
  for repeat in 1 2; do
    for tokens in 1 16 512; do
      echo "== T = $tokens only, cold"
      ./indexer-run "head_gate_$tokens.mlir" --verbose --no-reference
    done
    for tokens in 1 16 64 512 4096 65536; do
      echo "== any T, first $tokens, cold"
      ./indexer-run head_gate.mlir --verbose --no-reference --tokens $tokens
    done
  done
}

# The first one fills the cache.
cached() {
  export INDEXER_CACHE_DIR=$(mktemp -d)
  ./indexer-run head_gate.mlir --tokens 5 >/dev/null
  for repeat in 1 2 3; do
    echo "== any T, first 5, cache"
    ./indexer-run head_gate.mlir --verbose --tokens 5
  done
  rm -rf "$INDEXER_CACHE_DIR"
}
export -f unpack cold cached

step unpack 30 bash -c unpack
step launch-cost 60 ./indexer-launch-cost head_gate.idxb --json "$results/launch-cost.json"
cat "$results/launch-cost.txt"
step launch-cost-checked 20 env INDEXER_CHECK_POINTERS=1 \
  ./indexer-launch-cost head_gate.idxb --soak 0 --json "$results/launch-cost-checked.json"
step first-calls 75 python3 -u first_calls.py head_gate.mlir --library ./libindexer.so
cat "$results/first-calls.txt"
step cached 20 bash -c cached
step cold 60 bash -c cold
SCRIPT
chmod +x "$folder/measure.sh"
du -sh "$folder"
echo "there: bash $folder/measure.sh \$OUT"
