// What Python sees: tensors in, checked, computed on in place.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

#include <initializer_list>
#include <string>

#include "driver.h"
#include "isa.h"
#include "memory.h"
#include "team.h"

namespace elman {
namespace {

using tvm::ffi::TensorView;

std::string text(const int64_t* sizes, int64_t rank) {
  std::string s = "(";
  for (int64_t i = 0; i < rank; ++i) s += (i ? ", " : "") + std::to_string(sizes[i]);
  return s + (rank == 1 ? ",)" : ")");
}

// An array that is not there is given as one of shape (0,).
bool absent(const TensorView& t) { return t.ndim() == 1 && t.size(0) == 0; }

enum class Need { required, optional };

// The data of a tensor, which must be contiguous, of type S, and of this shape.
template <class S>
S* data_of(const char* name, const TensorView& t, std::initializer_list<int64_t> shape,
           Need need = Need::required) {
  if (need == Need::optional && absent(t)) return nullptr;
  bool same = t.ndim() == static_cast<int>(shape.size());
  for (int i = 0; same && i < t.ndim(); ++i) same = t.size(i) == shape.begin()[i];
  if (!same) {
    TVM_FFI_THROW(ValueError) << name << " must have shape "
                              << text(shape.begin(), static_cast<int64_t>(shape.size())) << ", got "
                              << text(t.shape().data(), t.ndim());
  }
  const DLDataType type = t.dtype();
  const bool is_mask = sizeof(S) == 1;
  const bool right =
      type.lanes == 1 && type.bits == 8 * sizeof(S) &&
      (is_mask ? type.code == kDLBool || type.code == kDLUInt : type.code == kDLFloat);
  if (!right) {
    TVM_FFI_THROW(ValueError) << name << " must be "
                              << (is_mask          ? "bool"
                                  : sizeof(S) == 4 ? "float32"
                                                   : "float64")
                              << ", got " << tvm::ffi::DLDataTypeToString(type);
  }
  if (t.device().device_type != kDLCPU) {
    TVM_FFI_THROW(ValueError) << name << " must be in the memory of the CPU";
  }
  if (!t.IsContiguous()) TVM_FFI_THROW(ValueError) << name << " must be contiguous; copy it";
  static S nothing{};  // for arrays without elements, whose pointer may be null
  char* data = static_cast<char*>(t.data_ptr());
  return data ? reinterpret_cast<S*>(data + t.byte_offset()) : &nothing;
}

template <class E>
E checked(const char* name, int64_t value, E last) {
  if (value < 0 || value > static_cast<int64_t>(last)) {
    TVM_FFI_THROW(ValueError) << name << " must be 0 to " << static_cast<int64_t>(last) << ", got "
                              << value;
  }
  return static_cast<E>(value);
}

struct Options {
  int64_t cell, activation, recurrent_activation, go_backwards, zero_output_for_mask;
};

// The tensors that forward and backward both take.
struct Inputs {
  TensorView x, h0, c0, kernel, recurrent_kernel, bias, mask, input_dropout, recurrent_dropout;
};

// A dropout mask of rank 2 is for all gates, one of rank 3 has one for each.
int64_t masks_in(const TensorView& dropout, Cell cell) {
  return dropout.ndim() == 3 ? gate_count(cell) : 1;
}

template <class S>
const S* dropout_of(const char* name, const TensorView& t, int64_t masks, int64_t B,
                    int64_t width) {
  return t.ndim() == 3 ? data_of<S>(name, t, {masks, B, width})
                       : data_of<S>(name, t, {B, width}, Need::optional);
}

template <class S>
Layer<S> make_layer(const Options& options, const Inputs& in) {
  Layer<S> layer{};
  layer.cell = checked("cell", options.cell, Cell::gru_reset_before);
  layer.activation = checked("activation", options.activation, Activation::hard_sigmoid_keras3);
  layer.recurrent_activation = checked("recurrent_activation", options.recurrent_activation,
                                       Activation::hard_sigmoid_keras3);
  layer.go_backwards = options.go_backwards != 0;
  layer.zero_output_for_mask = options.zero_output_for_mask != 0;
  if (in.x.ndim() != 3 || in.recurrent_kernel.ndim() != 2) {
    TVM_FFI_THROW(ValueError) << "x must have shape (B, T, I) and recurrent_kernel (H, G * H), got "
                              << text(in.x.shape().data(), in.x.ndim()) << " and "
                              << text(in.recurrent_kernel.shape().data(),
                                      in.recurrent_kernel.ndim());
  }
  const int64_t B = layer.B = in.x.size(0), T = layer.T = in.x.size(1);
  const int64_t I = layer.I = in.x.size(2), H = layer.H = in.recurrent_kernel.size(0);
  const int64_t columns = gate_count(layer.cell) * H;
  if (H < 1) TVM_FFI_THROW(ValueError) << "recurrent_kernel must have at least one row";
  layer.x = data_of<S>("x", in.x, {B, T, I});
  layer.h0 = data_of<S>("initial state h", in.h0, {B, H}, Need::optional);
  layer.c0 = data_of<S>("initial state c", in.c0, {B, H}, Need::optional);
  layer.kernel = data_of<S>("kernel", in.kernel, {I, columns});
  layer.recurrent_kernel = data_of<S>("recurrent_kernel", in.recurrent_kernel, {H, columns});
  layer.bias = layer.cell == Cell::gru ? data_of<S>("bias", in.bias, {2, columns}, Need::optional)
                                       : data_of<S>("bias", in.bias, {columns}, Need::optional);
  layer.mask = data_of<uint8_t>("mask", in.mask, {B, T}, Need::optional);
  layer.input_masks = masks_in(in.input_dropout, layer.cell);
  layer.recurrent_masks = masks_in(in.recurrent_dropout, layer.cell);
  layer.input_dropout = dropout_of<S>("input_dropout", in.input_dropout, layer.input_masks, B, I);
  layer.recurrent_dropout =
      dropout_of<S>("recurrent_dropout", in.recurrent_dropout, layer.recurrent_masks, B, H);
  return layer;
}

struct Results {
  TensorView outputs, last, h, c, saved;
};

template <class S>
void add_results(Layer<S>& layer, const Results& out) {
  const int64_t B = layer.B, T = layer.T, H = layer.H;
  layer.outputs = data_of<S>("outputs", out.outputs, {B, T, H}, Need::optional);
  layer.last = data_of<S>("last", out.last, {B, H});
  layer.h = data_of<S>("h", out.h, {B, H});
  layer.c = layer.cell == Cell::lstm ? data_of<S>("c", out.c, {B, H}) : nullptr;
  layer.saved = data_of<S>("saved", out.saved, {T, B, saved_width(layer)}, Need::optional);
  if (layer.saved && !layer.outputs) {
    TVM_FFI_THROW(ValueError) << "outputs must be given where saved is";
  }
}

template <class S>
void run_forward(const Options& options, const Inputs& in, const Results& out) {
  Layer<S> layer = make_layer<S>(options, in);
  add_results(layer, out);
  forward(&layer, 1);
}

bool is_double(const TensorView& x) { return x.dtype().bits == 64; }

void forward_export(int64_t cell, int64_t activation, int64_t recurrent_activation,
                    int64_t go_backwards, int64_t zero_output_for_mask, TensorView x, TensorView h0,
                    TensorView c0, TensorView kernel, TensorView recurrent_kernel, TensorView bias,
                    TensorView mask, TensorView input_dropout, TensorView recurrent_dropout,
                    TensorView outputs, TensorView last, TensorView h, TensorView c,
                    TensorView saved) {
  const Options options{cell, activation, recurrent_activation, go_backwards, zero_output_for_mask};
  const Inputs in{
      x, h0, c0, kernel, recurrent_kernel, bias, mask, input_dropout, recurrent_dropout};
  const Results out{outputs, last, h, c, saved};
  is_double(x) ? run_forward<double>(options, in, out) : run_forward<float>(options, in, out);
}

struct GradientTensors {
  TensorView d_outputs, d_last, d_h, d_c, dx, dh0, dc0, d_kernel, d_recurrent_kernel, d_bias;
};

template <class S>
void run_backward(const Options& options, const Inputs& in, TensorView outputs, TensorView saved,
                  const GradientTensors& t) {
  Layer<S> layer = make_layer<S>(options, in);
  const int64_t B = layer.B, T = layer.T, I = layer.I, H = layer.H;
  const int64_t columns = gate_count(layer.cell) * H;
  const bool lstm = layer.cell == Cell::lstm;
  layer.outputs = data_of<S>("outputs", outputs, {B, T, H});
  layer.saved = data_of<S>("saved", saved, {T, B, saved_width(layer)});
  Gradients<S> g{};
  g.d_outputs = data_of<S>("d_outputs", t.d_outputs, {B, T, H}, Need::optional);
  g.d_last = data_of<S>("d_last", t.d_last, {B, H}, Need::optional);
  g.d_h = data_of<S>("d_h", t.d_h, {B, H}, Need::optional);
  g.d_c = lstm ? data_of<S>("d_c", t.d_c, {B, H}, Need::optional) : nullptr;
  g.dx = data_of<S>("dx", t.dx, {B, T, I}, Need::optional);
  g.dh0 = data_of<S>("dh0", t.dh0, {B, H});
  g.dc0 = lstm ? data_of<S>("dc0", t.dc0, {B, H}) : nullptr;
  g.d_kernel = data_of<S>("d_kernel", t.d_kernel, {I, columns});
  g.d_recurrent_kernel = data_of<S>("d_recurrent_kernel", t.d_recurrent_kernel, {H, columns});
  if (layer.bias) {
    g.d_bias = layer.cell == Cell::gru ? data_of<S>("d_bias", t.d_bias, {2, columns})
                                       : data_of<S>("d_bias", t.d_bias, {columns});
  }
  backward(&layer, &g, 1);
}

void backward_export(int64_t cell, int64_t activation, int64_t recurrent_activation,
                     int64_t go_backwards, int64_t zero_output_for_mask, TensorView x,
                     TensorView h0, TensorView c0, TensorView kernel, TensorView recurrent_kernel,
                     TensorView bias, TensorView mask, TensorView input_dropout,
                     TensorView recurrent_dropout, TensorView outputs, TensorView saved,
                     TensorView d_outputs, TensorView d_last, TensorView d_h, TensorView d_c,
                     TensorView dx, TensorView dh0, TensorView dc0, TensorView d_kernel,
                     TensorView d_recurrent_kernel, TensorView d_bias) {
  const Options options{cell, activation, recurrent_activation, go_backwards, zero_output_for_mask};
  const Inputs in{
      x, h0, c0, kernel, recurrent_kernel, bias, mask, input_dropout, recurrent_dropout};
  const GradientTensors t{d_outputs,          d_last, d_h, d_c, dx, dh0, dc0, d_kernel,
                          d_recurrent_kernel, d_bias};
  is_double(x) ? run_backward<double>(options, in, outputs, saved, t)
               : run_backward<float>(options, in, outputs, saved, t);
}

// The last axis of `saved`, from the cell, the size of an element in bytes, and H.
int64_t saved_width_export(int64_t cell, int64_t bytes, int64_t units) {
  const Cell kind = checked("cell", cell, Cell::gru_reset_before);
  const auto width = [&](auto layer) {
    layer.cell = kind;
    layer.H = units;
    return saved_width(layer);
  };
  return bytes == 8 ? width(Layer<double>{}) : width(Layer<float>{});
}

// Memory of the pool, to which it returns with the last reference: for `saved`, whose fresh pages
// would cost a step up to a tenth of its time.
struct PoolMemory {
  void AllocData(DLTensor* t) {
    block = new Block(tvm::ffi::GetDataSize(*t));
    t->data = block->data();
  }
  void FreeData(DLTensor*) { delete block; }
  Block* block = nullptr;  // owned from AllocData to FreeData
};

tvm::ffi::Tensor empty_export(int64_t bytes, int64_t T, int64_t B, int64_t width) {
  const DLDataType type{kDLFloat, static_cast<uint8_t>(8 * bytes), 1};
  return tvm::ffi::Tensor::FromNDAlloc(PoolMemory{}, tvm::ffi::Shape({T, B, width}), type,
                                       DLDevice{kDLCPU, 0});
}

void set_num_threads_export(int64_t threads) {
  if (threads < 1 || threads > 4096) {
    TVM_FFI_THROW(ValueError) << "threads must be 1 to 4096, got " << threads;
  }
  set_num_threads(static_cast<int>(threads));
}

// Operations done in registers; `bytes` is the size of their numbers.
double multiply_adds_export(int64_t bytes, int64_t rounds) {
  return bytes == 8 ? kernels<double>().multiply_adds(rounds)
                    : kernels<float>().multiply_adds(rounds);
}

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(multiply_adds, multiply_adds_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(forward, forward_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(backward, backward_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(saved_width, saved_width_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(empty, empty_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(num_threads, [] { return int64_t{num_threads()}; })
TVM_FFI_DLL_EXPORT_TYPED_FUNC(set_num_threads, set_num_threads_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(isa_name, [] { return tvm::ffi::String(isa_name()); })

}  // namespace elman
