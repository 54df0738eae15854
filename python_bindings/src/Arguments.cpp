//===- Arguments.cpp - Python values as arguments of a call ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Neither NumPy nor torch is imported or linked: a value can only be theirs if
// the program has imported them. Plain torch tensors are read by torch's DLPack
// exchange API, which costs a few nanoseconds and neither synchronises nor asks
// for gradients; subclasses by their Python attributes; NumPy arrays by theirs,
// as NumPy exports no bfloat16 and no read-only array by DLPack; all other
// arrays by the capsule of __dlpack__.
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "Errors.h"

#include <algorithm>
#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace indexer::python;

namespace {

/// Names of attributes, made once: a call reads several of each tensor.
struct Names {
  PyObject *shape = PyUnicode_InternFromString("shape");
  PyObject *stride = PyUnicode_InternFromString("stride");
  PyObject *dtype = PyUnicode_InternFromString("dtype");
  PyObject *dataPtr = PyUnicode_InternFromString("data_ptr");
  PyObject *isCuda = PyUnicode_InternFromString("is_cuda");
  PyObject *isCpu = PyUnicode_InternFromString("is_cpu");
  PyObject *isNeg = PyUnicode_InternFromString("is_neg");
  PyObject *device = PyUnicode_InternFromString("device");
  PyObject *getDevice = PyUnicode_InternFromString("get_device");
  PyObject *dlpack = PyUnicode_InternFromString("__dlpack__");
  PyObject *arrayInterface = PyUnicode_InternFromString("__array_interface__");

  static const Names &get() {
    static const Names names;
    return names;
  }
};

} // namespace

/// numpy.ndarray, null while NumPy is not imported. Held for the life of the
/// process.
static PyTypeObject *numpyArray() {
  static PyTypeObject *type = nullptr;
  if (type)
    return type;
  nb::object array = findLoaded("numpy", "ndarray");
  if (array && PyType_Check(array.ptr()))
    type = reinterpret_cast<PyTypeObject *>(array.release().ptr());
  return type;
}

static bool isNumPy(nb::handle value) {
  PyTypeObject *array = numpyArray();
  return array && PyType_IsSubtype(Py_TYPE(value.ptr()), array);
}

static nb::object attribute(nb::handle value, PyObject *name) {
  PyObject *found = PyObject_GetAttr(value.ptr(), name);
  if (!found)
    throw nb::python_error();
  return nb::steal(found);
}

static nb::object callMethod(nb::handle value, PyObject *name) {
  PyObject *arguments[] = {value.ptr()};
  PyObject *result = PyObject_VectorcallMethod(name, arguments, 1, nullptr);
  if (!result)
    throw nb::python_error();
  return nb::steal(result);
}

static int64_t toInteger(nb::handle value) {
  long long integer = PyLong_AsLongLong(value.ptr());
  if (integer == -1 && PyErr_Occurred())
    throw nb::python_error();
  return integer;
}

static std::string toText(nb::handle value) {
  return nb::cast<std::string>(nb::str(value));
}

Arguments::Arguments(std::string entry, nb::tuple names, nb::tuple values)
    : entry(std::move(entry)), names(std::move(names)),
      values(std::move(values)) {
  readAll();
}

Arguments::Arguments(const Arguments &arguments, nb::tuple values)
    : entry(arguments.entry), values(std::move(values)), resultsOf(&arguments),
      place(arguments.place) {
  readAll();
  for (const IndexerArgument &view : views)
    tensorViews.push_back(view.tensor);
  resultsOf = nullptr;
}

/// Which of the ways to read it a value takes.
enum class Kind { Number, Torch, NumPy, Dlpack };

static Kind kindOf(nb::handle value) {
  if (PyFloat_CheckExact(value.ptr()))
    return Kind::Number;
  if (TorchApi::get().isTensor(value))
    return Kind::Torch;
  if (isNumPy(value))
    return Kind::NumPy;
  return PyObject_HasAttr(value.ptr(), Names::get().dlpack) ? Kind::Dlpack
                                                            : Kind::Number;
}

void Arguments::readAll() {
  size_t count = values.size();
  views.resize(count);
  layouts.resize(count); // Never grows: the views point into it.
  for (size_t i = 0; i < count; ++i) {
    nb::handle value = values[i];
    Kind kind = kindOf(value);
    if (kind == Kind::Number) {
      readNumber(i, value);
      continue;
    }
    views[i].is_tensor = 1;
    if (first < 0)
      first = leading = i;
    try {
      if (kind == Kind::Torch)
        readTorch(i, value);
      else if (kind == Kind::NumPy)
        readNumPy(i, value);
      else
        readCapsule(i, value);
    } catch (nb::python_error &error) {
      // Ours name the argument; a framework's own (of a sparse or a fake
      // tensor) do not.
      if (isRejected || !error.matches(PyExc_Exception))
        throw;
      std::string what = toText(error.value());
      reject(PyExc_TypeError, i,
             "has no memory that can be read: " +
                 what.substr(0, what.find('\n')));
    }
    checkWritable(i);
  }
  checkFrameworks();
}

void Arguments::checkFrameworks() {
  if (place < 0)
    return;
  for (size_t i = first + 1; i < values.size(); ++i) {
    nb::handle value = values[i], leading = values[first];
    if (!views[i].is_tensor ||
        (TorchApi::get().isTensor(value) &&
         TorchApi::get().isTensor(leading)) ||
        value.type().is(leading.type()))
      continue;
    reject(PyExc_TypeError, i,
           "is of type '" + toText(value.type().attr("__name__")) + "', but " +
               describe(first) + " is of type '" +
               toText(leading.type().attr("__name__")) +
               "': all tensors on a GPU must be of one framework, as each has "
               "its own streams");
  }
}

void Arguments::readDlpack(Py_ssize_t index, nb::handle value,
                           const dlpack::Tensor &from) {
  IndexerTensor &tensor = views[index].tensor;
  if (from.deviceType == dlpack::Cuda)
    setDevice(index, from.deviceId);
  else if (from.deviceType == dlpack::Cpu)
    setDevice(index, hostDevice);
  else
    reject(PyExc_ValueError, index,
           "is on device '" + toText(value.attr("device")) +
               "', accepted are 'cpu' and 'cuda'");
  if (!dlpack::elementTypeOf(from, tensor.type))
    reject(PyExc_TypeError, index,
           "has dtype " + toText(value.attr("dtype")) +
               ", accepted are bfloat16, float16, float32 and float64");
  checkRank(index, from.rank);
  tensor.data = dlpack::dataOf(from);
  tensor.rank = from.rank;
  Layout &layout = layouts[index];
  std::copy_n(from.shape, from.rank, layout.shape);
  tensor.shape = layout.shape;
  if (from.strides) {
    std::copy_n(from.strides, from.rank, layout.strides);
    tensor.strides = layout.strides;
  }
}

void Arguments::readCapsule(Py_ssize_t index, nb::handle value) {
  nb::module_ tensors = nb::module_::import_("dsa_indexer._tensors");
  if (resultsOf && nb::cast<bool>(tensors.attr("is_jax")(value)))
    reject(PyExc_TypeError, index,
           "is a JAX array, which cannot be written; call without it");
  // Held, as the memory may be the capsule's.
  nb::object capsule = tensors.attr("export")(value);
  void *tensor = PyCapsule_GetPointer(capsule.ptr(), "dltensor");
  if (!tensor)
    throw nb::python_error();
  readDlpack(index, value,
             static_cast<dlpack::ManagedTensor *>(tensor)->tensor);
  held.push_back(std::move(capsule));
}

void Arguments::readTorch(Py_ssize_t index, nb::handle value) {
  const Names &known = Names::get();
  const TorchApi &torch = TorchApi::get();
  IndexerTensor &tensor = views[index].tensor;
  if (leading < 0 || !TorchApi::get().isTensor(values[leading]))
    leading = index;

  // A lazy negation, as x.imag of a conjugate has it, is not in memory.
  if (callMethod(value, known.isNeg).ptr() == Py_True)
    reject(PyExc_ValueError, index,
           "has its negative bit set; use tensor.resolve_neg()");
  dlpack::Tensor view;
  if (torch.exchange && torch.isPlain(value)) {
    if (!torch.exchange->view(value.ptr(), &view)) {
      readDlpack(index, value, view);
      return;
    }
    PyErr_Clear(); // The attributes say what is wrong.
  }

  nb::object type = attribute(value, known.dtype);
  int code = 0;
  while (code < 4 && torch.types[code] != type.ptr())
    ++code;
  if (code == 4)
    reject(PyExc_TypeError, index,
           "has dtype " + toText(type) +
               ", accepted are bfloat16, float16, float32 and float64");
  tensor.type = static_cast<IndexerType>(code);

  if (attribute(value, known.isCuda).ptr() == Py_True)
    setDevice(index,
              static_cast<int>(toInteger(callMethod(value, known.getDevice))));
  else if (attribute(value, known.isCpu).ptr() == Py_True)
    setDevice(index, hostDevice);
  else
    reject(PyExc_ValueError, index,
           "is on device '" + toText(attribute(value, known.device)) +
               "', accepted are 'cpu' and 'cuda'");

  nb::object shape = attribute(value, known.shape);
  nb::object strides = callMethod(value, known.stride);
  tensor.shape = copyExtents(index, shape, layouts[index].shape);
  tensor.strides = copyExtents(index, strides, layouts[index].strides);
  tensor.rank = static_cast<int32_t>(PyTuple_Size(shape.ptr()));
  tensor.data = PyLong_AsVoidPtr(callMethod(value, known.dataPtr).ptr());
  if (!tensor.data && PyErr_Occurred())
    throw nb::python_error();
}

/// Reads an element type such as "<f4"; false when it is none of ours.
/// bfloat16 is a type of ml_dtypes and looks like two bytes of anything.
static bool readNumPyType(nb::handle array, const std::string &text,
                          IndexerType &type, int64_t &size) {
  if (text == "<f2" || text == "<f4" || text == "<f8") {
    size = text[2] - '0';
    type = size == 2 ? INDEXER_F16 : size == 4 ? INDEXER_F32 : INDEXER_F64;
    return true;
  }
  size = 2;
  type = INDEXER_BF16;
  return text.size() == 3 && text[1] == 'V' && text[2] == '2' &&
         toText(array.attr("dtype").attr("name")) == "bfloat16";
}

void Arguments::readNumPy(Py_ssize_t index, nb::handle value) {
  const Names &known = Names::get();
  IndexerTensor &tensor = views[index].tensor;
  setDevice(index, hostDevice);

  nb::object interface = attribute(value, known.arrayInterface);
  int64_t size = 0;
  if (!readNumPyType(value, toText(interface["typestr"]), tensor.type, size))
    reject(PyExc_TypeError, index,
           "has dtype " + toText(value.attr("dtype")) +
               ", accepted are float16, float32, float64 and "
               "ml_dtypes.bfloat16 in the byte order of the machine");
  nb::object data = interface["data"];
  if (resultsOf && nb::cast<bool>(data[1]))
    reject(PyExc_ValueError, index, "is a read-only array");
  tensor.data = PyLong_AsVoidPtr(nb::object(data[0]).ptr());
  if (reinterpret_cast<uintptr_t>(tensor.data) % size)
    reject(PyExc_ValueError, index,
           "is not aligned to its element type (" + std::to_string(size) +
               " bytes)");

  nb::object shape = interface["shape"];
  tensor.shape = copyExtents(index, shape, layouts[index].shape);
  tensor.rank = static_cast<int32_t>(PyTuple_Size(shape.ptr()));
  nb::object strides = interface["strides"];
  if (strides.is_none()) // Row-major and contiguous.
    return;
  int64_t *elements = copyExtents(index, strides, layouts[index].strides);
  tensor.strides = elements;
  for (int32_t dim = 0; dim < tensor.rank; ++dim) {
    if (elements[dim] % size && tensor.shape[dim] > 1)
      reject(PyExc_ValueError, index,
             "has a stride of " + std::to_string(elements[dim]) +
                 " bytes, expected a multiple of its element size (" +
                 std::to_string(size) + " bytes)");
    elements[dim] /= size;
  }
}

void Arguments::readNumber(Py_ssize_t index, nb::handle value) {
  if (!resultsOf) {
    double number = PyFloat_AsDouble(value.ptr());
    if (number != -1.0 || !PyErr_Occurred()) {
      views[index].scalar = number;
      return;
    }
    bool isTooLarge = PyErr_ExceptionMatches(PyExc_OverflowError);
    PyErr_Clear();
    if (isTooLarge)
      reject(PyExc_ValueError, index, "is an integer too large for a float");
  }
  reject(PyExc_TypeError, index,
         "is of type '" + toText(value.type().attr("__name__")) +
             "', expected an array, a torch tensor" +
             (resultsOf ? "" : " or a number"));
}

void Arguments::checkRank(Py_ssize_t index, Py_ssize_t rank) {
  if (rank > maxRank)
    reject(PyExc_ValueError, index,
           "has " + std::to_string(rank) +
               " dimensions, accepted are at most " + std::to_string(maxRank));
}

int64_t *Arguments::copyExtents(Py_ssize_t index, nb::handle tuple,
                                int64_t *into) {
  if (!PyTuple_Check(tuple.ptr()))
    reject(PyExc_TypeError, index, "has a shape that is not a tuple");
  Py_ssize_t rank = PyTuple_Size(tuple.ptr());
  checkRank(index, rank);
  for (Py_ssize_t dim = 0; dim < rank; ++dim)
    into[dim] = toInteger(PyTuple_GetItem(tuple.ptr(), dim));
  return into;
}

void Arguments::checkWritable(Py_ssize_t index) {
  const IndexerTensor &tensor = views[index].tensor;
  // Strides of a tensor without elements say nothing; CuPy's are 0.
  if (std::count(tensor.shape, tensor.shape + tensor.rank, 0))
    return;
  for (int32_t dim = 0; resultsOf && dim < tensor.rank; ++dim)
    if (tensor.strides && tensor.strides[dim] == 0 && tensor.shape[dim] > 1)
      reject(PyExc_ValueError, index,
             "has stride 0 in dimension " + std::to_string(dim) +
                 ": its elements would overwrite each other");
}

/// "cpu" or "cuda:1".
static std::string deviceText(int device) {
  return device == Arguments::hostDevice ? "cpu"
                                         : "cuda:" + std::to_string(device);
}

void Arguments::setDevice(Py_ssize_t index, int device) {
  if (place == noDevice)
    place = device;
  if (place == device)
    return;
  reject(PyExc_ValueError, index,
         "is on " + deviceText(device) + ", but " +
             (resultsOf ? resultsOf->describe(resultsOf->first)
                        : describe(first)) +
             " is on " + deviceText(place) +
             ": all tensors must be on one device");
}

std::string Arguments::describe(Py_ssize_t index) const {
  std::string text =
      (resultsOf ? "result " : "argument ") + std::to_string(index);
  if (names.is_valid() && index < Py_ssize_t(names.size()))
    text += " ('" + toText(names[index]) + "')";
  return text;
}

void Arguments::reject(PyObject *type, Py_ssize_t index,
                       const std::string &what) {
  isRejected = true;
  raise(type, entry + "(): " + describe(index) + " " + what);
}

/// A tuple of any length, typed in the stub.
template <typename Element>
using Tuple = nb::typed<nb::tuple, Element, nb::ellipsis>;

void indexer::python::bindArguments(nb::module_ &module) {
  nb::class_<Arguments>(
      module, "Arguments",
      "Values of one call, read as the C API wants them. Immutable.")
      .def(nb::init<std::string, Tuple<nb::str>, Tuple<nb::any>>(),
           nb::arg("entry"), nb::arg("names"), nb::arg("values"),
           "Reads the arguments of a call; all tensors must be on one device.")
      .def(nb::init<const Arguments &, Tuple<nb::any>>(), nb::arg("arguments"),
           nb::arg("results"),
           "Reads the tensors that the results of a call are written to.")
      .def_prop_ro("device", &Arguments::device,
                   "CUDA device of the tensors; -1: the host; -2: no tensor.")
      .def_prop_ro("leader", &Arguments::leader,
                   "Number of the tensor whose framework makes the results: "
                   "the first of torch, else the first; -1: no tensor.");
}
