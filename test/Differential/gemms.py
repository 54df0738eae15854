"""The GEMM of a random chain, in all its spellings.

What frontends write: named ops with and without maps, contract, generic; x of rank
2, or of rank 3 with the tokens collapsed, batched or in four loops; the ladders of
unit dimensions that torch.einsum becomes; operands that are widened or transposed.
"""

import functions

TYPES = [("bf16", "bf16"), ("f16", "f16"), ("f32", "f32"), ("bf16", "f32"),
         ("f32", "bf16")]


class Gemm(functions.Function):
    """A function that starts with a GEMM."""

    def __init__(self, rng, name, narrow):
        super().__init__(rng, name)
        self.narrow = narrow  # what a sum may be rounded to
        self.value = None
        self.shape = None
        self.element = None
        self.narrow_sum = False  # accumulates in less than f32

    def gemm(self):
        """The contraction: sets value, shape and element."""
        rng = self.rng
        form = rng.choice(["matmul", "maps", "contract", "generic", "batch",
                           "collapsed", "ladder", "four loops", "broadcast"])
        x_type, w_type = rng.choice(TYPES)
        x_letters = {"collapsed": [["b", "s", "d"], [1, "t", "d"], ["s", "b", "d"]],
                     "four loops": [["b", "s", "d"], ["s", "b", "d"],
                                    [1, "t", "d"]],
                     "broadcast": [["b", "s", "d"], [1, "t", "d"]],
                     "batch": [["t", "d"], ["d", "t"], [1, "t", "d"]],
                     }.get(form, [["t", "d"], ["d", "t"]])
        x_letters = rng.choice(x_letters)
        w_letters = rng.choice([["h", "d"], ["d", "h"]])
        x = self.argument(x_letters, x_type)
        w = self.argument(w_letters, w_type)
        self.find_extents(x, x_letters, x_type)
        if x_type != w_type or rng.random() < 0.3:
            x, x_type = self.widen(x, x_letters, x_type), "f32"
            w, w_type = self.widen(w, w_letters, w_type), "f32"
        # A sum in the type of the operands: the fused op must not replace it.
        self.element = "f32"
        if x_type == w_type and x_type in self.narrow and rng.random() < 0.1:
            self.element, self.narrow_sum = x_type, True
        if form == "ladder":
            x, x_letters = self.ladder(x, x_letters, [1, "t", "d"], x_type)
            w, w_letters = self.ladder(w, w_letters, [1, "d", "h"], w_type)
        if form == "collapsed":
            tokens = [letter for letter in x_letters if letter != "d"]
            x = self.reshape(x, x_letters, ["t", "d"], x_type)
            form = rng.choice(["matmul", "maps", "generic"])
            x_letters = ["t", "d"]
        else:
            tokens = None
        if form in ("matmul", "batch", "broadcast"):
            if x_letters == ["d", "t"]:
                x, x_letters = self.transpose(x, x_letters, x_type, [1, 0]), ["t", "d"]
            if w_letters == ["h", "d"]:
                w, w_letters = self.transpose(w, w_letters, w_type, [1, 0]), ["d", "h"]
        if form == "batch":
            x, x_letters = self.reshape(x, x_letters, [1, "t", "d"], x_type), [
                1, "t", "d"]
            w, w_letters = self.reshape(w, w_letters, [1, "d", "h"], w_type), [
                1, "d", "h"]
        if form == "broadcast":
            batch = x_letters[0]
            out = self.empty(w, [batch, "d", "h"], w_type, w_letters)
            w = self.emit(
                f"linalg.broadcast ins({w} : {self.type(w_letters, w_type)}) "
                f"outs({out} : {self.type([batch, 'd', 'h'], w_type)}) "
                "dimensions = [0]")
            w_letters = [batch, "d", "h"]
        out = [letter for letter in x_letters if letter != "d"] + ["h"]
        if form in ("contract", "generic") and rng.random() < 0.3:
            out = out[::-1]
        self.shape = out
        self.value = self.contraction(form, (x, x_letters, x_type),
                                      (w, w_letters, w_type))
        if form == "ladder":
            self.value, self.shape = self.ladder(
                self.value, out, rng.choice([["t", "h"], ["h", "t"]]), self.element)
        elif form == "batch" and rng.random() < 0.7:
            self.value = self.reshape(self.value, out, ["t", "h"], self.element)
            self.shape = ["t", "h"]
        elif tokens and out == ["t", "h"] and rng.random() < 0.8:
            self.value = self.reshape(self.value, out, tokens + ["h"], self.element)
            self.shape = tokens + ["h"]

    def find_extents(self, x, letters, element):
        """Values for all unknown extents, as far as x has them from x."""
        self.extents = self.sizes(x, letters, element)
        if "s" not in self.extents and "b" in letters:
            self.extents["s"] = self.emit(
                f"arith.constant {self.positions} : index")
        if "b" not in self.extents:
            self.extents["b"] = self.emit(
                f"arith.constant {self.sequences} : index")
        for letter, op, by in (("t", "muli", "s"), ("s", "divui", "t")):
            if letter in self.unknown and letter not in self.extents:
                self.extents[letter] = self.emit(
                    f"arith.{op} {self.extents[by]}, {self.extents['b']} : index")

    def ladder(self, value, letters, result, element):
        """From `letters` to `result` by unit dimensions that come, move and go, as
        torch.einsum becomes. Returns the value and `result`."""
        rng = self.rng
        wide = letters
        if 1 not in letters or rng.random() < 0.5:
            plain = [letter for letter in letters if letter != 1]
            wide = list(plain)
            for _ in range(rng.choice([1, 1, 2])):
                wide.insert(rng.randint(1, len(wide)), 1)
            value = self.collapse(value, letters, plain, element)
            value = self.expand(value, plain, wide, element)
        # Whole dimensions get their order, unit dimensions a random place.
        turned = [letter for letter in result if letter != 1]
        for _ in range(wide.count(1)):
            turned.insert(rng.randint(0, len(turned)), 1)
        units = [index for index, letter in enumerate(wide) if letter == 1]
        rng.shuffle(units)
        permutation = [units.pop() if letter == 1 else wide.index(letter)
                       for letter in turned]
        value = self.transpose(value, wide, element, permutation)
        if turned != result:
            value = self.reshape(value, turned, result, element)
        return value, result

    def contraction(self, form, x, w):
        """The op itself, from +0.0 into self.shape of self.element."""
        rng, element = self.rng, self.element
        zero = self.emit(f"arith.constant 0.0 : {element}")
        out = self.empty(x[0], self.shape, element, x[1], x[2])
        out_type = self.type(self.shape, element)
        fill = self.emit(f"linalg.fill ins({zero} : {element}) "
                         f"outs({out} : {out_type}) -> {out_type}")
        operands = (f"ins({x[0]}, {w[0]} : {self.type(*x[1:])}, "
                    f"{self.type(*w[1:])}) outs({fill} : {out_type})")
        if form == "matmul":
            return self.emit(f"linalg.matmul {operands} -> {out_type}")
        if form in ("batch", "broadcast", "ladder"):
            return self.emit(f"linalg.batch_matmul {operands} -> {out_type}")
        # A loop of its own for a leading unit dimension of x.
        loops = [f"l{letter}" for letter in self.shape] + ["ld"]
        maps = ", ".join(
            f"affine_map<({', '.join(loops)}) -> "
            f"({', '.join(f'l{letter}' for letter in own)})>"
            for own in (x[1], w[1], self.shape))
        if form == "maps":
            return self.emit(f"linalg.matmul indexing_maps = [{maps}] {operands} "
                             f"-> {out_type}")
        if form == "contract" or (form == "four loops" and rng.random() < 0.5):
            return self.emit(f"linalg.contract indexing_maps = [{maps}] {operands} "
                             f"-> {out_type}")
        body, factors = [], []
        for name, (_, _, own) in (("a", x), ("b", w)):
            factors.append(f"%{name}")
            if own != element:
                body.append(f"    %{name}w = arith.extf %{name} : {own} to {element}")
                factors[-1] += "w"
        rng.shuffle(factors)
        terms = ["%p", "%s"]
        rng.shuffle(terms)
        value = self.fresh()
        iterators = ", ".join(['"parallel"'] * len(self.shape) + ['"reduction"'])
        self.lines += [
            f"  {value} = linalg.generic {{indexing_maps = [{maps}],\n"
            f"      iterator_types = [{iterators}]}}\n"
            f"      {operands} {{\n"
            f"  ^bb0(%a: {x[2]}, %b: {w[2]}, %s: {element}):", *body,
            f"    %p = arith.mulf {factors[0]}, {factors[1]} : {element}",
            f"    %n = arith.addf {terms[0]}, {terms[1]} : {element}",
            f"    linalg.yield %n : {element}", f"  }} -> {out_type}"]
        return value
