#!/usr/bin/env python3
"""Random head gate chains, to compare source and fused op bit for bit.

A chain is a GEMM in a random spelling and random steps behind it: scales in all
their spellings, roundings, reshapes, transposes, slices of a merged GEMM. Each
becomes a function of its own with random inputs and a call in @main that prints
the bits of its results.
"""

import random

RUNNER = """\
func.func private @printMemrefI32(%m: memref<*xi32>)
    attributes {llvm.emit_c_interface}
"""
TYPES = [("bf16", "bf16"), ("f16", "f16"), ("f32", "f32"), ("bf16", "f32"),
         ("f32", "bf16")]


def tensor(shape, element):
    """The type of a tensor."""
    return "tensor<" + "".join(f"{d}x" for d in shape) + element + ">"


def literal(rng, shape):
    """A random dense literal; the parser rounds it to the element type."""
    if not shape:
        return f"{rng.uniform(-2, 2):.6f}"
    return "[" + ", ".join(literal(rng, shape[1:]) for _ in range(shape[0])) + "]"


class Chain:
    """One function under construction."""

    def __init__(self, rng, name):
        self.rng = rng
        self.name = name
        self.lines = []
        self.arguments = []  # (name, declared type, value as text in @main)
        self.count = 0
        self.tokens = rng.choice([1, 2, 3, 4, 5])
        self.heads = rng.choice([1, 2, 4, 5, 6])
        self.hidden = rng.choice([1, 2, 3, 8, 9])
        self.dynamic = rng.random() < 0.5
        self.results = []
        self.value = None
        self.shape = None  # letters: 't', 'h', 'b', 's' and 1
        self.element = None

    # Extents: a letter is a dimension, maybe unknown at compile time.
    def extent(self, letter):
        """Number of elements along a dimension."""
        return {"t": self.tokens, "h": self.heads, "d": self.hidden,
                1: 1, "b": 2, "s": self.tokens}[letter]

    def static(self, letters):
        """The true shape."""
        return [self.extent(letter) for letter in letters]

    def declared(self, letters):
        """The shape as the function sees it."""
        return ["?" if self.dynamic and letter in ("t", "s") and self.extent(letter) != 1
                else self.extent(letter) for letter in letters]

    def type(self, letters, element):
        """Declared type of a tensor."""
        return tensor(self.declared(letters), element)

    def fresh(self):
        """A new value name."""
        self.count += 1
        return f"%v{self.count}"

    def emit(self, text):
        """Appends `text` with a new result; returns its name."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def argument(self, letters, element):
        """A tensor argument with random elements."""
        name = f"%arg{len(self.arguments)}"
        value = f"dense<{literal(self.rng, self.static(letters))}>"
        self.arguments.append((name, self.type(letters, element),
                               tensor(self.static(letters), element), value))
        return name

    def scalar_argument(self, element="f32"):
        """A scalar argument."""
        name = f"%arg{len(self.arguments)}"
        self.arguments.append((name, element, element, literal(self.rng, [])))
        return name

    def sizes(self, value, letters, element):
        """SSA sizes of the unknown dimensions of `value`, by position."""
        sizes = {}
        for index, extent in enumerate(self.declared(letters)):
            if extent == "?":
                number = self.emit(f"arith.constant {index} : index")
                sizes[index] = self.emit(
                    f"tensor.dim {value}, {number} : {self.type(letters, element)}")
        return sizes

    def empty(self, value, letters, element, like=None, like_element=None):
        """A destination; unknown extents come from `value` by letter."""
        like = like or letters
        known = self.sizes(value, like, like_element or element)
        by_letter = {like[index]: size for index, size in known.items()}
        needed = [by_letter[letter] for letter, extent
                  in zip(letters, self.declared(letters)) if extent == "?"]
        return self.emit(f"tensor.empty({', '.join(needed)}) : "
                         f"{self.type(letters, element)}")

    def generic(self, inputs, letters, element, body):
        """An elementwise generic; inputs are (value, letters, element)."""
        out = self.empty(inputs[0][0], letters, element, inputs[0][1], inputs[0][2])
        loops = [f"i{index}" for index in range(len(letters))]
        maps = []
        for _, own, _ in inputs + [(None, letters, None)]:
            if own == letters:
                dims = loops
            else:
                dims = ["0" if letter == 1 else loops[letters.index(letter)]
                        for letter in own]
            maps.append(f"affine_map<({', '.join(loops)}) -> ({', '.join(dims)})>")
        name = self.fresh()
        types = ", ".join(self.type(own, elem) if own is not None else elem
                          for _, own, elem in inputs)
        arguments = ", ".join(f"%a{index}: {elem}"
                              for index, (_, _, elem) in enumerate(inputs))
        iterators = ", ".join(['"parallel"'] * len(letters))
        self.lines.append(
            f"  {name} = linalg.generic {{indexing_maps = [{', '.join(maps)}],\n"
            f"      iterator_types = [{iterators}]}}\n"
            f"      ins({', '.join(value for value, _, _ in inputs)} : {types})\n"
            f"      outs({out} : {self.type(letters, element)}) {{\n"
            f"  ^bb0({arguments}, %init: {element}):")
        for line in body:
            self.lines.append(f"    {line}")
        self.lines.append(f"  }} -> {self.type(letters, element)}")
        return name

    def transpose(self, value, letters, element, permutation):
        """linalg.transpose, or a generic that only yields."""
        result = [letters[index] for index in permutation]
        out = self.empty(value, result, element, letters)
        return self.emit(
            f"linalg.transpose ins({value} : {self.type(letters, element)}) "
            f"outs({out} : {self.type(result, element)}) "
            f"permutation = {permutation}")

    def widen(self, value, letters, element):
        """extf of a whole tensor to f32, in two spellings."""
        if element == "f32":
            return value
        if self.rng.random() < 0.5:
            return self.emit(f"arith.extf {value} : {self.type(letters, element)} "
                             f"to {self.type(letters, 'f32')}")
        return self.generic([(value, letters, element)], letters, "f32",
                            [f"%r = arith.extf %a0 : {element} to f32",
                             "linalg.yield %r : f32"])

    def gemm(self):
        """The contraction, with f32 result [T, H] in some order."""
        rng = self.rng
        x_type, w_type = rng.choice(TYPES)
        x_letters = rng.choice([["t", "d"], ["d", "t"]])
        w_letters = rng.choice([["h", "d"], ["d", "h"]])
        x = self.argument(x_letters, x_type)
        w = self.argument(w_letters, w_type)
        if x_type != w_type or rng.random() < 0.3:
            x, x_type = self.widen(x, x_letters, x_type), "f32"
            w, w_type = self.widen(w, w_letters, w_type), "f32"
        form = rng.choice(["matmul", "maps", "contract", "generic", "batch"])
        if form in ("matmul", "batch"):
            if x_letters == ["d", "t"]:
                x, x_letters = self.transpose(x, x_letters, x_type, [1, 0]), ["t", "d"]
            if w_letters == ["h", "d"]:
                w, w_letters = self.transpose(w, w_letters, w_type, [1, 0]), ["d", "h"]
        zero = self.emit("arith.constant 0.0 : f32")
        out_letters = ["t", "h"]
        if form in ("contract", "generic") and rng.random() < 0.3:
            out_letters = ["h", "t"]
        out = self.empty(x, out_letters, "f32", x_letters, x_type)
        out_type = self.type(out_letters, "f32")
        fill = self.emit(f"linalg.fill ins({zero} : f32) outs({out} : {out_type}) "
                         f"-> {out_type}")
        maps = ", ".join(f"affine_map<(t, h, d) -> ({', '.join(own)})>"
                         for own in (x_letters, w_letters, out_letters))
        operands = (f"ins({x}, {w} : {self.type(x_letters, x_type)}, "
                    f"{self.type(w_letters, w_type)})")
        if form == "batch":
            sizes = self.sizes(x, x_letters, x_type)
            x3 = self.expand(x, ["t", "d"], [1, "t", "d"], [[0, 1], [2]], x_type, sizes)
            w3 = self.expand(w, ["d", "h"], [1, "d", "h"], [[0, 1], [2]], w_type, {})
            fill3 = self.expand(fill, ["t", "h"], [1, "t", "h"], [[0, 1], [2]],
                                "f32", sizes)
            types = [self.type([1] + own, elem) for own, elem in
                     ((x_letters, x_type), (w_letters, w_type), (out_letters, "f32"))]
            product = self.emit(
                f"linalg.batch_matmul ins({x3}, {w3} : {types[0]}, {types[1]}) "
                f"outs({fill3} : {types[2]}) -> {types[2]}")
            value = self.emit(f"tensor.collapse_shape {product} [[0, 1], [2]] : "
                              f"{types[2]} into {out_type}")
        elif form == "matmul":
            value = self.emit(f"linalg.matmul {operands} outs({fill} : {out_type}) "
                              f"-> {out_type}")
        elif form == "maps":
            value = self.emit(f"linalg.matmul indexing_maps = [{maps}] {operands} "
                              f"outs({fill} : {out_type}) -> {out_type}")
        elif form == "contract":
            value = self.emit(f"linalg.contract indexing_maps = [{maps}] {operands} "
                              f"outs({fill} : {out_type}) -> {out_type}")
        else:
            value = self.fresh()
            body, a, b = [], "%a", "%b"
            if x_type != "f32":
                body.append(f"    %aw = arith.extf %a : {x_type} to f32")
                a = "%aw"
            if w_type != "f32":
                body.append(f"    %bw = arith.extf %b : {w_type} to f32")
                b = "%bw"
            factors = [a, b]
            rng.shuffle(factors)
            terms = ["%p", "%s"]
            rng.shuffle(terms)
            body += [f"    %p = arith.mulf {factors[0]}, {factors[1]} : f32",
                     f"    %n = arith.addf {terms[0]}, {terms[1]} : f32",
                     "    linalg.yield %n : f32"]
            self.lines.append(
                f"  {value} = linalg.generic {{indexing_maps = [{maps}],\n"
                f'      iterator_types = ["parallel", "parallel", "reduction"]}}\n'
                f"      {operands} outs({fill} : {out_type}) {{\n"
                f"  ^bb0(%a: {x_type}, %b: {w_type}, %s: f32):")
            self.lines += body
            self.lines.append(f"  }} -> {out_type}")
        self.value, self.shape, self.element = value, out_letters, "f32"

    def expand(self, value, letters, result, groups, element, sizes):
        """expand_shape that adds unit dimensions."""
        by_letter = {letters[index]: size for index, size in sizes.items()}
        shape = [by_letter[letter] if extent == "?" else str(extent)
                 for letter, extent in zip(result, self.declared(result))]
        return self.emit(f"tensor.expand_shape {value} {groups} output_shape "
                         f"[{', '.join(shape)}] : {self.type(letters, element)} "
                         f"into {self.type(result, element)}")

    # Steps behind the GEMM.
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
        """One scale a token or a head, read through a map or broadcast."""
        letter = self.rng.choice(["t", "h"])
        if letter not in self.shape:
            return
        other = self.argument([letter], self.element)
        position = self.shape.index(letter)
        if self.rng.random() < 0.5:
            out = self.empty(self.value, self.shape, self.element)
            rest = [i for i in range(len(self.shape)) if i != position]
            spread = self.emit(
                f"linalg.broadcast ins({other} : {self.type([letter], self.element)}) "
                f"outs({out} : {self.type(self.shape, self.element)}) "
                f"dimensions = {rest}")
            self.value = self.binary(self.value, spread)
            return
        self.value = self.generic(
            [(self.value, self.shape, self.element), (other, [letter], self.element)],
            self.shape, self.element,
            [f"%r = arith.mulf %a1, %a0 : {self.element}",
             f"linalg.yield %r : {self.element}"])

    def step_transposed(self):
        """An operand that is stored the other way round."""
        if len(self.shape) != 2:
            return
        letters = self.shape[::-1]
        other = self.argument(letters, self.element)
        self.value = self.binary(
            self.value, self.transpose(other, letters, self.element, [1, 0]))

    def step_unary(self):
        """Negation or a clamp."""
        if self.rng.random() < 0.5:
            self.value = self.emit(f"arith.negf {self.value} : "
                                   f"{self.type(self.shape, self.element)}")
        else:
            zero = self.emit(f"arith.constant 0.0 : {self.element}")
            self.value = self.binary(self.value, self.spread(zero), "maximumf")

    def step_cast(self):
        """Rounds to a narrow type, or widens again."""
        if self.element == "f32":
            narrow = self.rng.choice(["bf16", "bf16", "f16"])
            self.value = self.emit(
                f"arith.truncf {self.value} : {self.type(self.shape, 'f32')} "
                f"to {self.type(self.shape, narrow)}")
            self.element = narrow
        else:
            self.value = self.widen(self.value, self.shape, self.element)
            self.element = "f32"

    def step_unsqueeze(self):
        """A trailing unit dimension comes or goes."""
        if self.shape[-1] == 1 and len(self.shape) == 3:
            groups = [[0], [1, 2]]
            result = self.shape[:-1]
            self.value = self.emit(
                f"tensor.collapse_shape {self.value} {groups} : "
                f"{self.type(self.shape, self.element)} into "
                f"{self.type(result, self.element)}")
        elif len(self.shape) == 2:
            result = self.shape + [1]
            sizes = self.sizes(self.value, self.shape, self.element)
            self.value = self.expand(self.value, self.shape, result,
                                     [[0], [1, 2]], self.element, sizes)
        else:
            return
        self.shape = result

    def step_transpose(self):
        """The value itself turns round."""
        if len(self.shape) != 2:
            return
        self.value = self.transpose(self.value, self.shape, self.element, [1, 0])
        self.shape = self.shape[::-1]

    def step_assert(self):
        """An assert on an extent, as torch-mlir writes it."""
        sizes = self.sizes(self.value, self.shape, self.element)
        for size in sizes.values():
            same = self.emit(f"arith.cmpi eq, {size}, {size} : index")
            self.lines.append(f'  cf.assert {same}, "mismatched size"')

    def step_keep(self):
        """Somebody else reads the value, too."""
        self.results.append((self.value, list(self.shape), self.element))

    def step_slice(self):
        """The heads are sliced: the first part is returned, the chain goes on
        with the rest."""
        if self.shape not in (["t", "h"], ["h", "t"]) or self.heads < 4:
            return
        cut = self.rng.randint(1, self.heads - 2)
        position = self.shape.index("h")
        sizes = self.sizes(self.value, self.shape, self.element)
        before, whole = self.type(self.shape, self.element), self.heads
        parts = []
        for offset, length in ((0, cut), (cut, whole - cut)):
            self.heads = length
            offsets, lengths = ["0", "0"], []
            offsets[position] = str(offset)
            for index, extent in enumerate(self.declared(self.shape)):
                lengths.append(sizes[index] if extent == "?" else str(extent))
            parts.append(self.emit(
                f"tensor.extract_slice {self.value}[{', '.join(offsets)}] "
                f"[{', '.join(lengths)}] [1, 1] : {before} to "
                f"{self.type(self.shape, self.element)}"))
            if offset == 0 and self.rng.random() < 0.8:
                # The type is fixed now: later cuts change the number of heads.
                self.results.append((parts[0], None, self.element,
                                     self.type(self.shape, self.element)))
        self.value = parts[1]

    def build(self):
        """The function, and its call in @main."""
        rng = self.rng
        self.gemm()
        steps = [self.step_scalar] * 4 + [self.step_tensor] * 3 + [
            self.step_narrow_operand, self.step_vector, self.step_vector,
            self.step_transposed, self.step_unary, self.step_cast, self.step_cast,
            self.step_unsqueeze, self.step_unsqueeze, self.step_transpose,
            self.step_assert]
        if rng.random() < 0.25:
            self.step_cast() if rng.random() < 0.5 else None
            self.step_slice()
        for _ in range(rng.randint(1, 7)):
            rng.choice(steps)()
            if rng.random() < 0.02:
                self.step_keep()
        if self.element != "f32" and rng.random() < 0.8:
            self.step_cast()
        self.results.append((self.value, self.shape, self.element))
        results = []
        for value, shape, element, *fixed in self.results:
            results.append((value, fixed[0] if fixed else self.type(shape, element)))
        types = ", ".join(kind for _, kind in results)
        parameters = ", ".join(f"{name}: {kind}"
                               for name, kind, _, _ in self.arguments)
        function = (f"func.func @{self.name}({parameters}) -> ({types}) {{\n"
                    + "\n".join(self.lines)
                    + f"\n  return {', '.join(value for value, _ in results)} : "
                    + f"{types}\n}}\n")
        return function, self.call(results)

    def call(self, results):
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
        types = ", ".join(kind for _, kind in results)
        lines.append(f"  {prefix}_r:{len(results)} = func.call @{self.name}"
                     f"({', '.join(actual)}) : ({kinds}) -> ({types})")
        for index, (_, kind) in enumerate(results):
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


def module(seed, count):
    """A module with `count` chains."""
    functions, calls = [], []
    for index in range(count):
        rng = random.Random(f"{seed}/{index}")
        function, call = Chain(rng, f"chain{index}").build()
        functions.append(function)
        calls.append(call)
    return (RUNNER + "\n".join(functions) + "\nfunc.func @main() {\n"
            + "\n".join(calls) + "\n  return\n}\n")
