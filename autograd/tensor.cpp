#include "autograd/tensor.h"

#include <algorithm>
#include <new>

#include "autograd/support/error.h"
#include "autograd/support/largest_tensor.h"

namespace adjoint {

namespace {
StoragePtr storage_for(const Form& form) {
  const std::size_t bytes = static_cast<std::size_t>(form.shape.numel()) * size_of(form.dtype);
  if (bytes > always_allowed && bytes > largest_tensor()) [[unlikely]]
    throw SizeError(text_from("too large: ", form.dtype, ' ', form.shape, " needs ", bytes,
                              " bytes; at most ", largest_tensor(), " are allowed here"));
  try {
    return Storage::make(bytes);
  } catch (const std::bad_alloc&) {
    throw SizeError(
        text_from("out of memory: ", form.dtype, ' ', form.shape, " needs ", bytes, " bytes"));
  }
}
}  // namespace

Tensor::Tensor(const Form& form) : Tensor(form, storage_for(form)) {}

void Tensor::refuse(DType expected) const {
  require(defined_, "values: this tensor is empty: no value was assigned to it");
  require(dtype_ == expected, "values: asked for ", expected, ", the tensor holds ", dtype_,
          "; ask for that type, or cast() the tensor");
  fail("values: this operand was not kept for the vjp: list it in the operation's `reads`");
}

Index Tensor::only_position() const {
  require(defined_ && numel() == 1, "item: needs exactly one element, the shape is ", shape_,
          "; reduce it with sum() or mean(), or read one element with at()");
  return 0;
}

Index Tensor::position_of(std::initializer_list<Index> indices) const {
  require(static_cast<Index>(indices.size()) == rank(), "at: ", indices.size(),
          " indices for a tensor of shape ", shape_);
  Index position = 0;
  Index axis = 0;
  for (const Index index : indices) {
    const Index size = shape_[axis];
    require(index >= -size && index < size, "at: index ", index, " on axis ", axis,
            " of a tensor of shape ", shape_);
    position = position * size + (index < 0 ? index + size : index);
    ++axis;
  }
  return position;
}

namespace {
template <Real T>
bool holds(Index integer) {
  const T nearest = static_cast<T>(integer);
  return nearest < T{0x1p63} && static_cast<Index>(nearest) == integer;
}
}  // namespace

template <Scalar T>
T Tensor::element(const char* operation, Index position) const {
  return dispatch(dtype_, [&]<class Own>() {
    const Own value = values<Own>()[static_cast<std::size_t>(position)];
    if constexpr (std::same_as<Own, Index> && Real<T>)
      require(holds<T>(value), operation, ": ", dtype_of<T>, " cannot hold all digits of ", value,
              "; read it with ", operation, "<Index>()");
    return convert<T>(operation, value);
  });
}
template float Tensor::element(const char*, Index) const;
template double Tensor::element(const char*, Index) const;
template Index Tensor::element(const char*, Index) const;
template bool Tensor::element(const char*, Index) const;

Tensor detach(const Tensor& x) {
  return x.tracked() ? Tensor(x.form(), x.storage(), {nullptr, 0, Untracked::detached}) : x;
}

Tensor copy(const Tensor& x) {
  Tensor result = dispatch(x.dtype(), [&]<class T>() { return from(x.values<T>(), x.shape()); });
  result.exchange_history({nullptr, 0, x.tracked() ? Untracked::copied : x.history().cause});
  return result;
}

// ---- Making tensors ----------------------------------------------------------------------------

Shape NestedList::shape() const {
  if (!is_list_) return {};
  if (list_.empty()) return {0};
  const Shape first = list_.front().shape();
  for (const NestedList& item : list_)
    require(item.shape() == first, "tensor: rows of one list differ in shape: ", first, " and ",
            item.shape());
  return first.inserted(0, static_cast<Index>(list_.size()));
}

void NestedList::append_to(std::vector<Number>& numbers) const {
  if (!is_list_) numbers.push_back(number_);
  for (const NestedList& item : list_) item.append_to(numbers);
}

Tensor tensor(std::initializer_list<NestedList> list, DType dtype) {
  const NestedList nested(list);
  std::vector<Number> numbers;
  nested.append_to(numbers);
  Tensor result(Form{nested.shape(), dtype});
  dispatch(dtype, [&]<class T>() {
    std::ranges::transform(numbers, result.edit<T>().begin(),
                           [](const Number& number) { return number.as<T>("tensor"); });
  });
  return result;
}

Tensor scalar(Number value, DType dtype) { return full({}, value, dtype); }
Tensor full(const Shape& shape, Number value, DType dtype) {
  Tensor result(Form{shape, dtype});
  dispatch(dtype, [&]<class T>() { std::ranges::fill(result.edit<T>(), value.as<T>("full")); });
  return result;
}
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor arange(Index count, DType dtype) {
  require(count >= 0, "arange: the count must not be negative, is ", count);
  return generate({count}, dtype, [](Index i) { return i; });
}
Tensor eye(Index size, DType dtype) {
  require(size >= 0, "eye: the size must not be negative, is ", size);
  return generate({size, size}, dtype, [=](Index i) { return i / size == i % size ? 1 : 0; });
}

template <Scalar T>
Tensor from(std::span<const T> values, const Shape& shape) {
  require(static_cast<Index>(values.size()) == shape.numel(), "from: ", values.size(),
          " values for a tensor of shape ", shape);
  Tensor result(Form{shape, dtype_of<T>});
  std::ranges::copy(values, result.edit<T>().begin());
  return result;
}
template Tensor from<float>(std::span<const float>, const Shape&);
template Tensor from<double>(std::span<const double>, const Shape&);
template Tensor from<Index>(std::span<const Index>, const Shape&);
template Tensor from<bool>(std::span<const bool>, const Shape&);

}  // namespace adjoint
