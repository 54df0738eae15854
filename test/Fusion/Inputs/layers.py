#!/usr/bin/env python3
"""Prints a function of LAYERS chains of LENGTH scales each."""

import sys


def main():
    """Prints the module."""
    layers, length = int(sys.argv[1]), int(sys.argv[2])
    gate, x, w = "tensor<4x8xf32>", "tensor<4x16xbf16>", "tensor<16x8xbf16>"
    print(f"func.func @layers(%x: {x}, %w: {w}, %q: {gate}) -> {gate} {{")
    print(f"  %z = arith.constant dense<0.0> : {gate}")
    print(f"  %e = tensor.empty() : {gate}")
    for layer in range(layers):
        print(f"  %g{layer}_0 = linalg.matmul ins(%x, %w : {x}, {w})"
              f" outs(%z : {gate}) -> {gate}")
        for step in range(length):
            print(f"  %g{layer}_{step + 1} = linalg.mul"
                  f" ins(%g{layer}_{step}, %q : {gate}, {gate})"
                  f" outs(%e : {gate}) -> {gate}")
    print(f"  return %g{layers - 1}_{length} : {gate}\n}}")


if __name__ == "__main__":
    main()
