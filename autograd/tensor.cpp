#include "autograd/tensor.h"

#include <algorithm>
#include <cstring>

#include "autograd/support/error.h"

namespace adjoint {

Tensor::Tensor(const Form& form)
    : Tensor(form,
             Storage::make(static_cast<std::size_t>(form.shape.numel()) * size_of(form.dtype))) {}

void Tensor::refuse(DType expected) const {
  require(defined_, "values: this tensor is empty: no value was assigned to it");
  require(dtype_ == expected, "values: asked for ", expected, ", the tensor holds ", dtype_,
          "; ask for that type, or cast() the tensor");
  fail("values: this operand was not kept for the vjp: list it in the operation's `reads`");
}

namespace {
double element(const Tensor& x, Index position) {
  return dispatch(x.dtype(), [&]<class T>() {
    return static_cast<double>(x.values<T>()[static_cast<std::size_t>(position)]);
  });
}
}  // namespace

double Tensor::item() const {
  require(defined_ && numel() == 1, "item: needs exactly one element, the shape is ", shape_,
          "; reduce it with sum() or mean(), or read one element with at()");
  return element(*this, 0);
}

double Tensor::at(std::initializer_list<Index> indices) const {
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
  return element(*this, position);
}

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

void NestedList::append_to(std::vector<double>& values) const {
  if (!is_list_) values.push_back(value_);
  for (const NestedList& item : list_) item.append_to(values);
}

Tensor tensor(std::initializer_list<NestedList> list, DType dtype) {
  const NestedList nested(list);
  std::vector<double> values;
  nested.append_to(values);
  return generate(nested.shape(), dtype,
                  [&](Index i) { return values[static_cast<std::size_t>(i)]; });
}

Tensor scalar(double value, DType dtype) { return full({}, value, dtype); }
Tensor full(const Shape& shape, double value, DType dtype) {
  return generate(shape, dtype, [=](Index) { return value; });
}
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor arange(Index count, DType dtype) {
  return generate({count}, dtype, [](Index i) { return i; });
}
Tensor eye(Index size, DType dtype) {
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
