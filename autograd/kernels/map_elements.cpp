#include "autograd/kernels/map_elements.h"

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

// A block is one register or several.

template <Real T>
void load_rest(const T* from, Index count, Block<T>& block) {
  const Register<T> others = filled(*from);
  for (Index i = 0; i < block.size; i += lanes<T>)
    store(block.at + i,
          i < count ? load_first(from + i, std::min(lanes<T>, count - i), others) : others);
}

template <Real T>
void store_rest(const Block<T>& block, Index count, T* to) {
  for (Index i = 0; i < count; i += lanes<T>)
    store_first(to + i, load(block.at + i), std::min(lanes<T>, count - i));
}

template void load_rest(const float*, Index, Block<float>&);
template void load_rest(const double*, Index, Block<double>&);
template void store_rest(const Block<float>&, Index, float*);
template void store_rest(const Block<double>&, Index, double*);

}  // namespace adjoint::kernels
