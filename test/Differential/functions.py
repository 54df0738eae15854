"""A function under construction: names, types and reshapes.

Shapes are lists of letters, one a dimension: t tokens, h heads, d hidden elements,
b sequences and s tokens of a sequence (t = b * s), 1 a unit dimension.
"""


def tensor(shape, element):
    """The type of a tensor."""
    return "tensor<" + "".join(f"{d}x" for d in shape) + element + ">"


def literal(rng, shape):
    """A random dense literal; the parser rounds it to the element type."""
    if not shape:
        return f"{rng.uniform(-2, 2):.6f}"
    return "[" + ", ".join(literal(rng, shape[1:]) for _ in range(shape[0])) + "]"


class Function:
    """One function under construction, with random extents."""

    def __init__(self, rng, name):
        self.rng = rng
        self.name = name
        self.lines = []
        self.arguments = []  # (name, declared type, true type, value as text)
        self.count = 0
        self.sequences = rng.choice([1, 1, 2, 3])
        self.positions = rng.choice([1, 2, 3, 4, 5])
        self.heads = rng.choice([1, 2, 4, 5, 6])
        self.hidden = rng.choice([1, 2, 3, 8, 9])
        # Letters whose extents the function does not know. Not b and s: upstream's
        # expand-strided-metadata crashes on a dimension taken apart into both.
        self.unknown = set()
        if rng.random() < 0.5:
            self.unknown = rng.choice([{"s"}, {"s"}, {"b"}])
            if rng.random() < 0.7:
                self.unknown = {letter for letter in self.unknown
                                if self.extent(letter) != 1}
            if self.unknown:
                self.unknown = self.unknown | {"t"}
        self.extents = {}  # letter -> value, for what the arguments have

    def extent(self, letter):
        """Number of elements along a dimension."""
        return {"t": self.sequences * self.positions, "h": self.heads,
                "d": self.hidden, "b": self.sequences, "s": self.positions,
                1: 1}[letter]

    def static(self, letters):
        """The true shape."""
        return [self.extent(letter) for letter in letters]

    def declared(self, letters):
        """The shape as the function sees it."""
        return ["?" if letter in self.unknown else self.extent(letter)
                for letter in letters]

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
        """The value of each unknown extent of `value`, by letter."""
        sizes = {}
        for index, extent in enumerate(self.declared(letters)):
            if extent == "?":
                number = self.emit(f"arith.constant {index} : index")
                sizes[letters[index]] = self.emit(
                    f"tensor.dim {value}, {number} : {self.type(letters, element)}")
        return sizes

    def empty(self, value, letters, element, like=None, like_element=None):
        """A destination; unknown extents come from `value` by letter."""
        sizes = self.extents | self.sizes(value, like or letters,
                                          like_element or element)
        needed = [sizes[letter] for letter, extent
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

    def reshape(self, value, letters, result, element):
        """Brings the dimensions `letters` into the form `result`, which differ in
        unit dimensions and in b and s against t."""
        middle = [letter for letter in letters if letter != 1]
        if "t" in result and "t" not in middle:
            first = min(middle.index("b"), middle.index("s"))
            middle[first:first + 2] = ["t"]
        value = self.collapse(value, letters, middle, element)
        return self.expand(value, middle, result, element)

    @staticmethod
    def groups(short, long):
        """Reassociation groups of `long`: each letter of `short` takes its own
        dimensions and the unit dimensions behind them."""
        groups, index = [], 0
        for letter in short:
            wanted = 2 if letter == "t" and "t" not in long else 1
            group = []
            while index < len(long) and (wanted or long[index] == 1):
                wanted -= long[index] != 1
                group.append(index)
                index += 1
            groups.append(group)
        return groups

    def collapse(self, value, letters, result, element):
        """tensor.collapse_shape, if there is anything to do."""
        if letters == result:
            return value
        return self.emit(
            f"tensor.collapse_shape {value} {self.groups(result, letters)} : "
            f"{self.type(letters, element)} into {self.type(result, element)}")

    def expand(self, value, letters, result, element):
        """tensor.expand_shape, if there is anything to do."""
        if letters == result:
            return value
        sizes = self.extents | self.sizes(value, letters, element)
        shape = [sizes[letter] if extent == "?" else str(extent)
                 for letter, extent in zip(result, self.declared(result))]
        return self.emit(f"tensor.expand_shape {value} "
                         f"{self.groups(letters, result)} output_shape "
                         f"[{', '.join(shape)}] : {self.type(letters, element)} "
                         f"into {self.type(result, element)}")
