"""Random head gate chains, to compare source and fused op.

A chain is a GEMM in a random spelling and random steps behind it: scales in all
their spellings, roundings, reshapes, transposes, slices of a merged GEMM. Each
becomes a function of its own with random inputs and a call in @main that prints
the bits of its results.
"""

import random
import re

import gemms
from functions import literal

RUNNER = """\
func.func private @printMemrefI32(%m: memref<*xi32>)
    attributes {llvm.emit_c_interface}
"""


ROUNDING = re.compile(
    r"arith\.(mulf|addf|divf|truncf)|linalg\.(mul|add|div) |kind<(mul|add|div)>")


class Chain(gemms.Gemm):
    """A GEMM and what scales it."""

    def __init__(self, rng, name, narrow):
        super().__init__(rng, name, narrow)
        self.results = []  # (value, declared type)
        self.roundings = (0, 0)
        self.clamped = False
        self.degree = 1

    def binary(self, left, right, op="mulf"):
        """`op` of two tensors of the current shape and type, in a spelling."""
        own = self.type(self.shape, self.element)
        if self.rng.random() < 0.3:
            left, right = right, left
        form = self.rng.choice(["arith", "linalg", "map", "generic", "elementwise"])
        if form == "arith":
            return self.emit(f"arith.{op} {left}, {right} : {own}")
        names = {"mulf": "mul", "addf": "add", "divf": "div", "maximumf": "max"}
        out = self.empty(self.value, self.shape, self.element)
        if form == "linalg":
            return self.emit(f"linalg.{names[op]} ins({left}, {right} : {own}, {own}) "
                             f"outs({out} : {own}) -> {own}")
        if form == "map":
            return self.emit(f"linalg.map {{ arith.{op} }} ins({left}, {right} : "
                             f"{own}, {own}) outs({out} : {own})")
        if form == "elementwise":
            kind = {"maximumf": "max_signed"}.get(op, names[op])
            return self.emit(
                f"linalg.elementwise kind=#linalg.elementwise_kind<{kind}> "
                f"ins({left}, {right} : {own}, {own}) outs({out} : {own}) -> {own}")
        return self.generic(
            [(left, self.shape, self.element), (right, self.shape, self.element)],
            self.shape, self.element,
            [f"%r = arith.{op} %a0, %a1 : {self.element}",
             f"linalg.yield %r : {self.element}"])

    def spread(self, scalar):
        """A tensor of the current shape that holds one scalar."""
        own = self.type(self.shape, self.element)
        if self.rng.random() < 0.5:
            sizes = self.sizes(self.value, self.shape, self.element)
            text = f"[{', '.join(sizes.values())}]" if sizes else ""
            return self.emit(f"tensor.splat {scalar}{text} : {own}")
        out = self.empty(self.value, self.shape, self.element)
        return self.emit(f"linalg.fill ins({scalar} : {self.element}) "
                         f"outs({out} : {own}) -> {own}")

    def scalar(self):
        """A scalar of the current type: constant or argument."""
        element = self.element
        form = self.rng.choice(["constant", "argument", "f64", "product"])
        if form == "constant":
            return self.emit(f"arith.constant {literal(self.rng, [])} : {element}")
        if form == "argument":
            return self.scalar_argument(element)
        if form == "product":
            return self.emit(f"arith.mulf {self.scalar_argument(element)}, "
                             f"{self.scalar_argument(element)} : {element}")
        wide = self.emit(f"arith.constant {self.rng.uniform(-2, 2)!r} : f64")
        return self.emit(f"arith.truncf {wide} : f64 to {element}")

    def step_scalar(self):
        """Multiplication by a scalar, spread or captured."""
        if self.rng.random() < 0.2 and self.element == "f32":
            # torch-mlir: a Python scalar is rounded in the body.
            wide = self.emit(f"arith.constant {self.rng.uniform(-2, 2)!r} : f64")
            self.value = self.generic(
                [(self.value, self.shape, "f32")], self.shape, "f32",
                [f"%s = arith.truncf {wide} : f64 to f32",
                 "%r = arith.mulf %s, %a0 : f32", "linalg.yield %r : f32"])
            return
        if self.rng.random() < 0.1:
            # A tensor of rank 0.
            other = self.argument([], self.element)
            self.value = self.generic(
                [(self.value, self.shape, self.element), (other, [], self.element)],
                self.shape, self.element,
                [f"%r = arith.mulf %a0, %a1 : {self.element}",
                 f"linalg.yield %r : {self.element}"])
            return
        own = self.type(self.shape, self.element)
        if self.rng.random() < 0.1 and "?" not in own:
            other = self.emit(f"arith.constant dense<{literal(self.rng, [])}> : {own}")
            self.value = self.binary(self.value, other)
            return
        scalar = self.scalar()
        if self.rng.random() < 0.4:
            op = self.rng.choice(["mulf", "mulf", "divf"])
            self.value = self.generic(
                [(self.value, self.shape, self.element)], self.shape, self.element,
                [f"%r = arith.{op} %a0, {scalar} : {self.element}",
                 f"linalg.yield %r : {self.element}"])
        else:
            self.value = self.binary(self.value, self.spread(scalar))

    def step_tensor(self):
        """An operand of the same shape, plain or scaled itself."""
        other = self.argument(self.shape, self.element)
        if self.rng.random() < 0.4:
            other = self.binary(other, self.spread(self.scalar()))
        op = self.rng.choice(["mulf", "mulf", "mulf", "addf", "maximumf"])
        self.value = self.binary(self.value, other, op)

    def step_narrow_operand(self):
        """A bf16 or f16 operand that is widened in the body."""
        if self.element != "f32":
            return
        kind = self.rng.choice(["bf16", "f16"])
        other = self.argument(self.shape, kind)
        self.value = self.generic(
            [(self.value, self.shape, "f32"), (other, self.shape, kind)],
            self.shape, "f32",
            [f"%w = arith.extf %a1 : {kind} to f32",
             "%r = arith.mulf %w, %a0 : f32", "linalg.yield %r : f32"])

    def step_vector(self):
        """One scale a token or a head, read through a map or broadcast. One for
        each place in a sequence is declined."""
        heads, tokens = ["h"], [l for l in self.shape if l not in (1, "h")]
        letters = self.rng.choice([heads, tokens])
        if self.rng.random() < 0.05:
            letters = letters[-1:]
        other = self.argument(letters, self.element)
        if self.rng.random() < 0.5:
            out = self.empty(self.value, self.shape, self.element)
            rest = [i for i, l in enumerate(self.shape) if l not in letters]
            spread = self.emit(
                f"linalg.broadcast ins({other} : {self.type(letters, self.element)}) "
                f"outs({out} : {self.type(self.shape, self.element)}) "
                f"dimensions = {rest}")
            self.value = self.binary(self.value, spread)
            return
        self.value = self.generic(
            [(self.value, self.shape, self.element), (other, letters, self.element)],
            self.shape, self.element,
            [f"%r = arith.mulf %a1, %a0 : {self.element}",
             f"linalg.yield %r : {self.element}"])

    def permutation(self):
        """A random order of the dimensions; tokens mostly stay together."""
        order = list(range(len(self.shape)))
        if len(order) == 2 or self.rng.random() < 0.3:
            self.rng.shuffle(order)
        else:
            order = self.rng.choice([order[-1:] + order[:-1], order[1:] + order[:1]])
        return order

    def step_transposed(self):
        """An operand that is stored in another order."""
        order = self.permutation()
        letters = [self.shape[index] for index in order]
        other = self.argument(letters, self.element)
        back = [order.index(index) for index in range(len(order))]
        self.value = self.binary(
            self.value, self.transpose(other, letters, self.element, back))

    def step_unary(self):
        """Negation or a clamp."""
        if self.rng.random() < 0.5:
            self.value = self.emit(f"arith.negf {self.value} : "
                                   f"{self.type(self.shape, self.element)}")
        else:
            # At 0 once: arith-expand's maximumf gives either zero for 0 and -0.
            limit = literal(self.rng, []) if self.clamped else "0.0"
            self.clamped = True
            limit = self.emit(f"arith.constant {limit} : {self.element}")
            self.value = self.binary(self.value, self.spread(limit), "maximumf")

    def step_cast(self):
        """Rounds to a narrow type, or widens again."""
        if self.element == "f32":
            narrow = self.rng.choice(self.narrow)
            self.value = self.emit(
                f"arith.truncf {self.value} : {self.type(self.shape, 'f32')} "
                f"to {self.type(self.shape, narrow)}")
            self.element = narrow
        else:
            self.value = self.widen(self.value, self.shape, self.element)
            self.element = "f32"

    def step_reshape(self):
        """Unit dimensions come or go; tokens are taken apart or put together."""
        plain = [letter for letter in self.shape if letter != 1]
        result = list(plain)
        if self.shape == plain or self.rng.random() < 0.3:
            result.insert(self.rng.choice([0, len(plain), len(plain)]), 1)
        if self.rng.random() < 0.3:
            if "t" in result:
                index = result.index("t")
                result[index:index + 1] = ["b", "s"]
            elif abs(result.index("b") - result.index("s")) == 1:
                index = min(result.index("b"), result.index("s"))
                result[index:index + 2] = ["t"]
        self.value = self.reshape(self.value, self.shape, result, self.element)
        self.shape = result

    def step_transpose(self):
        """The value itself turns round."""
        order = self.permutation()
        self.value = self.transpose(self.value, self.shape, self.element, order)
        self.shape = [self.shape[index] for index in order]

    def step_diamond(self):
        """The value is read on several ways, which come together."""
        start, (shape, element) = self.value, (self.shape, self.element)
        ways = []
        for length in (0, self.rng.randint(0, 2), self.rng.randint(1, 3)):
            self.value = start
            for _ in range(length):
                self.rng.choice([self.step_scalar, self.step_unary,
                                 self.step_transpose, self.step_vector])()
            if self.shape != shape:
                order = [self.shape.index(letter) for letter in shape]
                self.value = self.transpose(self.value, self.shape, element, order)
                self.shape = shape
            ways.append(self.value)
        if self.rng.random() < 0.7:
            ways.pop(0)
        self.value = ways[0]
        for way in ways[1:]:
            op = self.rng.choice(["mulf", "mulf", "addf", "maximumf"])
            self.value = self.binary(self.value, way, op)
            # An error of the value counts twice in its square.
            self.degree *= 2

    def step_assert(self):
        """An assert on an extent, as torch-mlir writes it."""
        sizes = self.sizes(self.value, self.shape, self.element)
        for size in sizes.values():
            same = self.emit(f"arith.cmpi eq, {size}, {size} : index")
            self.lines.append(f'  cf.assert {same}, "mismatched size"')

    def step_keep(self):
        """Somebody else reads the value, too."""
        self.results.append((self.value, self.type(self.shape, self.element)))

    def step_slice(self):
        """The heads of a merged GEMM are sliced: one part is returned, as the keys
        are, the chain goes on with the other."""
        if self.heads < 4:
            return
        first = self.rng.randint(1, self.heads - 2)
        position = self.shape.index("h")
        sizes = self.sizes(self.value, self.shape, self.element)
        before, whole = self.type(self.shape, self.element), self.heads
        parts = [(0, first), (first, whole - first)]
        if self.rng.random() < 0.3:
            parts.reverse()
        for index, (offset, length) in enumerate(parts):
            self.heads = length
            offsets = ["0"] * len(self.shape)
            offsets[position] = str(offset)
            lengths = [sizes.get(letter) or str(self.extent(letter))
                       for letter in self.shape]
            own = self.type(self.shape, self.element)
            part = self.emit(
                f"tensor.extract_slice {self.value}[{', '.join(offsets)}] "
                f"[{', '.join(lengths)}] [{', '.join('1' for _ in offsets)}] : "
                f"{before} to {own}")
            if index == 0 and self.rng.random() < 0.8:
                self.results.append((part, own))
        self.value = part

    def build(self):
        """Text of the function."""
        rng = self.rng
        self.gemm()
        steps = [self.step_scalar] * 4 + [self.step_tensor] * 3 + [
            self.step_narrow_operand, self.step_vector, self.step_vector,
            self.step_transposed, self.step_unary, self.step_cast, self.step_cast,
            self.step_reshape, self.step_reshape, self.step_transpose,
            self.step_assert, self.step_diamond]
        if rng.random() < 0.25 and not self.narrow_sum:
            self.step_cast() if rng.random() < 0.5 else None
            self.step_slice()
        for _ in range(rng.randint(1, 7)):
            rng.choice(steps)()
            if rng.random() < 0.02:
                self.step_keep()
        if self.element != "f32" and rng.random() < 0.8:
            self.step_cast()
        self.step_keep()
        types = ", ".join(kind for _, kind in self.results)
        values = ", ".join(value for value, _ in self.results)
        parameters = ", ".join(f"{name}: {kind}"
                               for name, kind, _, _ in self.arguments)
        return (f"func.func @{self.name}({parameters}) -> ({types}) {{\n"
                + "\n".join(self.lines) + f"\n  return {values} : {types}\n}}\n")

    def call(self):
        """Text that calls the function and prints the bits of its results."""
        prefix = "%" + self.name
        lines, actual = [], []
        for index, (_, kind, true_kind, value) in enumerate(self.arguments):
            name = f"{prefix}_{index}"
            lines.append(f"  {name} = arith.constant {value} : {true_kind}")
            if kind != true_kind:
                lines.append(f"  {name}c = tensor.cast {name} : {true_kind} to {kind}")
                name += "c"
            actual.append(name)
        kinds = ", ".join(kind for _, kind, _, _ in self.arguments)
        types = ", ".join(kind for _, kind in self.results)
        lines.append(f"  {prefix}_r:{len(self.results)} = func.call @{self.name}"
                     f"({', '.join(actual)}) : ({kinds}) -> ({types})")
        for index, (_, kind) in enumerate(self.results):
            value = f"{prefix}_r#{index}"
            element = kind[7:-1].rsplit("x", 1)[-1]
            shape = kind[7:-1][: -len(element)]
            name = f"{prefix}_p{index}"
            if element != "f32":
                lines.append(f"  {name}w = arith.extf {value} : {kind} to "
                             f"tensor<{shape}f32>")
                value = f"{name}w"
            lines += [
                f"  {name}b = arith.bitcast {value} : tensor<{shape}f32> to "
                f"tensor<{shape}i32>",
                f"  {name}m = bufferization.to_buffer {name}b : tensor<{shape}i32> "
                f"to memref<{shape}i32>",
                f"  {name}u = memref.cast {name}m : memref<{shape}i32> "
                f"to memref<*xi32>",
                f"  func.call @printMemrefI32({name}u) : (memref<*xi32>) -> ()"]
        return "\n".join(lines)


def module(seed, count, narrow=("bf16", "bf16", "f16")):
    """A module with `count` chains, and the chains. A sum is rounded to the types
    of `narrow`."""
    functions, calls, chains = [], [], []
    for index in range(count):
        rng = random.Random(f"{seed}/{index}")
        chain = Chain(rng, f"chain{index}", narrow)
        functions.append(chain.build())
        chain.roundings = count_roundings(functions[-1], chain)
        calls.append(chain.call())
        chains.append(chain)
    text = (RUNNER + "\n".join(functions) + "\nfunc.func @main() {\n"
            + "\n".join(calls) + "\n  return\n}\n")
    return text, chains


def count_roundings(function, chain):
    """Roundings behind the sum, at most: to f32, and to bf16 or f16. Those of the
    sum itself count where it is narrow."""
    wide = narrow = 0
    for line in function.splitlines():
        if ROUNDING.search(line):
            to_narrow = re.search(r"b?f16", line) is not None
            narrow += to_narrow
            wide += not to_narrow
    narrow += chain.narrow_sum and chain.hidden + 1
    return wide * chain.degree, narrow * chain.degree


def magnitudes(text):
    """The module over absolute values: what its results' errors are relative to."""
    text = re.sub(r"(?<![eE\d])-(?=\d)", "", text)
    return text.replace("arith.negf", "math.absf")
