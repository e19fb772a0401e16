// What Python sees: tensors in, checked, computed on in place.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "driver.h"
#include "isa.h"
#include "memory.h"
#include "team.h"

namespace elman {
namespace {

using tvm::ffi::PackedArgs;
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

// A layer in numbers, as Python gives them: one layer's after the other.
struct Options {
  int64_t cell, activation, recurrent_activation, go_backwards, zero_output_for_mask,
      return_sequences;
};
constexpr std::size_t option_count = 6;

// The tensors of a call, handed out in their order: first some of each layer, then more of each.
class Tensors {
 public:
  explicit Tensors(PackedArgs args) : args_(args) {}
  TensorView next() { return args_[at_++].cast<TensorView>(); }

 private:
  PackedArgs args_;
  int at_ = 1;  // the options stand before them
};

// The options of the layers of a call, which has so many tensors for each.
std::vector<Options> options_of(PackedArgs args, std::size_t tensors_each) {
  if (args.size() < 1) TVM_FFI_THROW(TypeError) << "options must be given";
  const auto numbers = args[0].cast<tvm::ffi::Array<int64_t>>();
  if (numbers.empty() || numbers.size() % option_count != 0) {
    TVM_FFI_THROW(ValueError) << "options must be " << option_count
                              << " numbers for each layer, got " << numbers.size();
  }
  std::vector<Options> layers;
  for (std::size_t i = 0; i < numbers.size(); i += option_count) {
    layers.push_back({numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3], numbers[i + 4],
                      numbers[i + 5]});
  }
  const std::size_t wanted = layers.size() * tensors_each;
  if (static_cast<std::size_t>(args.size()) != 1 + wanted) {
    TVM_FFI_THROW(TypeError) << "there must be " << wanted << " tensors, got " << args.size() - 1;
  }
  return layers;
}

// The tensors of a layer that forward and backward both take.
struct Inputs {
  explicit Inputs(Tensors& from)
      : x(from.next()),
        h0(from.next()),
        c0(from.next()),
        kernel(from.next()),
        recurrent_kernel(from.next()),
        bias(from.next()),
        mask(from.next()),
        input_dropout(from.next()),
        recurrent_dropout(from.next()) {}
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

template <class S>
void take_results(Layer<S>& layer, const Options& options, Tensors& from) {
  const int64_t B = layer.B, T = layer.T, H = layer.H;
  layer.outputs = data_of<S>("outputs", from.next(), {B, T, H}, Need::optional);
  layer.last = data_of<S>("last", from.next(), {B, H});
  layer.h = data_of<S>("h", from.next(), {B, H});
  const TensorView c = from.next();
  layer.c = layer.cell == Cell::lstm ? data_of<S>("c", c, {B, H}) : nullptr;
  layer.saved = data_of<S>("saved", from.next(), {T, B, saved_width(layer)}, Need::optional);
  if (!layer.outputs && (layer.saved || options.return_sequences)) {
    TVM_FFI_THROW(ValueError) << "outputs must be given where saved is, and with return_sequences";
  }
}

// Without rows there are no steps either, however many the shape of x says.
template <class S>
void skip_steps_of_nothing(std::vector<Layer<S>>& layers) {
  for (Layer<S>& layer : layers) {
    if (layer.B == 0) layer.T = 0;
  }
}

template <class S>
void run_forward(const std::vector<Options>& options, Tensors tensors) {
  std::vector<Layer<S>> layers;
  for (const Options& o : options) layers.push_back(make_layer<S>(o, Inputs(tensors)));
  for (std::size_t i = 0; i < layers.size(); ++i) take_results(layers[i], options[i], tensors);
  skip_steps_of_nothing(layers);
  forward(layers.data(), static_cast<int>(layers.size()));
}

// Whether the first tensor, x, is of doubles; then all must be.
bool is_double(PackedArgs args) { return args[1].cast<TensorView>().dtype().bits == 64; }

// Options; x, h0, c0, kernel, recurrent_kernel, bias, mask, input_dropout and recurrent_dropout of
// each layer; outputs, last, h, c and saved of each.
void forward_export(PackedArgs args) {
  const auto options = options_of(args, 9 + 5);
  is_double(args) ? run_forward<double>(options, Tensors(args))
                  : run_forward<float>(options, Tensors(args));
}

template <class S>
Gradients<S> take_upstream(const Layer<S>& layer, Tensors& from) {
  const int64_t B = layer.B, T = layer.T, H = layer.H;
  Gradients<S> g{};
  g.d_outputs = data_of<S>("d_outputs", from.next(), {B, T, H}, Need::optional);
  g.d_last = data_of<S>("d_last", from.next(), {B, H}, Need::optional);
  g.d_h = data_of<S>("d_h", from.next(), {B, H}, Need::optional);
  const TensorView d_c = from.next();
  if (layer.cell == Cell::lstm) g.d_c = data_of<S>("d_c", d_c, {B, H}, Need::optional);
  return g;
}

// The gradients of x, h0, c0, kernel, recurrent_kernel and bias have the shapes of these; where a
// state was absent, its gradient goes to `spare`, which nobody reads.
template <class S>
void take_gradients(const Layer<S>& layer, Gradients<S>& g, Tensors& from, S* spare) {
  const int64_t B = layer.B, I = layer.I, H = layer.H;
  const int64_t columns = gate_count(layer.cell) * H;
  g.dx = data_of<S>("dx", from.next(), {B, layer.T, I}, Need::optional);
  S* dh0 = data_of<S>("dh0", from.next(), {B, H}, Need::optional);
  g.dh0 = dh0 ? dh0 : spare;
  const TensorView c0 = from.next();
  if (layer.cell == Cell::lstm) {
    S* dc0 = data_of<S>("dc0", c0, {B, H}, Need::optional);
    g.dc0 = dc0 ? dc0 : spare;
  }
  g.d_kernel = data_of<S>("d_kernel", from.next(), {I, columns});
  g.d_recurrent_kernel = data_of<S>("d_recurrent_kernel", from.next(), {H, columns});
  const TensorView d_bias = from.next();
  if (layer.bias) {
    g.d_bias = layer.cell == Cell::gru ? data_of<S>("d_bias", d_bias, {2, columns})
                                       : data_of<S>("d_bias", d_bias, {columns});
  }
}

template <class S>
void run_backward(const std::vector<Options>& options, Tensors tensors) {
  std::vector<Layer<S>> layers;
  std::vector<Gradients<S>> gradients;
  std::vector<std::unique_ptr<Block>> spare;
  for (const Options& o : options) layers.push_back(make_layer<S>(o, Inputs(tensors)));
  for (Layer<S>& layer : layers) {
    layer.outputs = data_of<S>("outputs", tensors.next(), {layer.B, layer.T, layer.H});
    layer.saved = data_of<S>("saved", tensors.next(), {layer.T, layer.B, saved_width(layer)});
  }
  for (const Layer<S>& layer : layers) gradients.push_back(take_upstream(layer, tensors));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    spare.push_back(std::make_unique<Block>(layers[i].B * layers[i].H * sizeof(S)));
    take_gradients(layers[i], gradients[i], tensors, reinterpret_cast<S*>(spare.back()->data()));
  }
  skip_steps_of_nothing(layers);
  backward(layers.data(), gradients.data(), static_cast<int>(layers.size()));
}

// Options; the inputs of each layer, as in forward; outputs and saved of each; the gradients of
// outputs, last, h and c of each; the gradients of x, h0, c0, kernel, recurrent_kernel and bias of
// each.
void backward_export(PackedArgs args) {
  const auto options = options_of(args, 9 + 2 + 4 + 6);
  is_double(args) ? run_backward<double>(options, Tensors(args))
                  : run_backward<float>(options, Tensors(args));
}

// Sizes that come as numbers, not with an array, might be negative, or overflow when multiplied.
void check_sizes(const char* name, int64_t bytes, std::initializer_list<int64_t> sizes) {
  if (bytes != 4 && bytes != 8) TVM_FFI_THROW(ValueError) << "bytes must be 4 or 8, got " << bytes;
  double product = static_cast<double>(bytes);
  for (int64_t size : sizes) product *= size < 0 ? 1e18 : static_cast<double>(size);
  if (product > 1e12) {
    TVM_FFI_THROW(ValueError) << name << " must have sizes of 0 or more, a terabyte at most, got "
                              << text(sizes.begin(), static_cast<int64_t>(sizes.size()));
  }
}

// The last axis of `saved`, from the cell, the size of an element in bytes, and H.
int64_t saved_width_export(int64_t cell, int64_t bytes, int64_t units) {
  const Cell kind = checked("cell", cell, Cell::gru_reset_before);
  check_sizes("units", bytes, {units});
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
  check_sizes("saved", bytes, {T, B, width});
  const DLDataType type{kDLFloat, static_cast<uint8_t>(8 * bytes), 1};
  return tvm::ffi::Tensor::FromNDAlloc(PoolMemory{}, tvm::ffi::Shape({T, B, width}), type,
                                       DLDevice{kDLCPU, 0});
}

void set_num_threads_export(int64_t threads) {
  if (threads < 1 || threads > most_threads) {
    TVM_FFI_THROW(ValueError) << "threads must be 1 to " << most_threads << ", got " << threads;
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

// Functions of any number of arguments, which the macro for typed ones does not take.
#define ELMAN_EXPORT_PACKED(name, function)                                                   \
  extern "C" TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void*, const TVMFFIAny* args, int32_t n, \
                                                     TVMFFIAny*) {                            \
    TVM_FFI_SAFE_CALL_BEGIN();                                                                \
    function(PackedArgs(reinterpret_cast<const tvm::ffi::AnyView*>(args), n));                \
    TVM_FFI_SAFE_CALL_END();                                                                  \
  }
ELMAN_EXPORT_PACKED(forward, forward_export)
ELMAN_EXPORT_PACKED(backward, backward_export)

TVM_FFI_DLL_EXPORT_TYPED_FUNC(saved_width, saved_width_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(empty, empty_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(num_threads, [] { return int64_t{num_threads()}; })
TVM_FFI_DLL_EXPORT_TYPED_FUNC(set_num_threads, set_num_threads_export)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(isa_name, [] { return tvm::ffi::String(isa_name()); })

}  // namespace elman
