// The operations ElmanForward and ElmanBackward of TensorFlow: its tensors in and out of the
// functions of exports.cc.
//
// This is a library of its own, which only a user of TensorFlow opens. It is built without
// TensorFlow, of whose C interface (tensorflow/c/kernels.h, ops.h) what is needed is declared here.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "layer.h"

extern "C" {
struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;

TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
void TF_SetStatus(TF_Status*, int code, const char* message);
int TF_GetCode(const TF_Status*);
const char* TF_Message(const TF_Status*);

void TF_DeleteTensor(TF_Tensor*);
int TF_TensorType(const TF_Tensor*);
int TF_NumDims(const TF_Tensor*);
int64_t TF_Dim(const TF_Tensor*, int axis);
void* TF_TensorData(const TF_Tensor*);

TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char* name);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder*,
                                                     void (*)(TF_ShapeInferenceContext*,
                                                              TF_Status*));
void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext*, TF_Status*);
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder*, TF_Status*);

TF_KernelBuilder* TF_NewKernelBuilder(const char* name, const char* device,
                                      void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*),
                                      void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder*, TF_Status*);
void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction*, const char*, int32_t* list_size,
                                         int32_t* total_size, TF_Status*);
void TF_OpKernelConstruction_GetAttrInt64List(TF_OpKernelConstruction*, const char*, int64_t*,
                                              int size, TF_Status*);
void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction*, const char*, unsigned char*,
                                         TF_Status*);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction*, TF_Status*);

int TF_NumInputs(TF_OpKernelContext*);
void TF_GetInput(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int index, int dtype, const int64_t* shape,
                             int rank, size_t bytes, TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);

// What elman_native exports (exports.cc).
int __tvm_ffi_forward(void*, const TVMFFIAny* args, int32_t count, TVMFFIAny* result);
int __tvm_ffi_backward(void*, const TVMFFIAny* args, int32_t count, TVMFFIAny* result);
int __tvm_ffi_saved_width(void*, const TVMFFIAny* args, int32_t count, TVMFFIAny* result);
}

namespace elman {
namespace {

using tvm::ffi::AnyView;

// The values of TensorFlow's enumerations.
enum { tf_ok = 0, tf_invalid_argument = 3 };
enum { tf_float = 1, tf_double = 2, tf_bool = 10 };

class Status {
 public:
  operator TF_Status*() const { return status_.get(); }
  void check() const {
    if (TF_GetCode(*this) != tf_ok) TVM_FFI_THROW(RuntimeError) << TF_Message(*this);
  }

 private:
  std::unique_ptr<TF_Status, void (*)(TF_Status*)> status_{TF_NewStatus(), TF_DeleteStatus};
};

// Runs `work`; what it throws fails what TensorFlow is doing, and no exception gets into it.
template <class Context, class Work>
void guarded(Context* context, void (*fail)(Context*, TF_Status*), Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status, tf_invalid_argument, error.what());
    fail(context, status);
  }
}

tvm::ffi::Any call(TVMFFISafeCallType function, const AnyView* args, std::size_t count) {
  tvm::ffi::Any result;
  TVM_FFI_CHECK_SAFE_CALL(function(nullptr, reinterpret_cast<const TVMFFIAny*>(args),
                                   static_cast<int32_t>(count),
                                   reinterpret_cast<TVMFFIAny*>(&result)));
  return result;
}

using Shape = std::vector<int64_t>;

// A tensor of TensorFlow, held until the end of the call, and how the functions of the library
// see it.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor, TF_DeleteTensor) {
    for (int axis = 0; axis < TF_NumDims(tensor); ++axis) shape.push_back(TF_Dim(tensor, axis));
    type = TF_TensorType(tensor);
    const bool mask = type == tf_bool;
    const uint8_t bits = mask ? 8 : type == tf_double ? 64 : 32;
    view.data = TF_TensorData(tensor);
    view.device = {kDLCPU, 0};
    view.ndim = static_cast<int32_t>(shape.size());
    view.dtype = {static_cast<uint8_t>(mask ? kDLBool : kDLFloat), bits, 1};
    view.shape = shape.data();  // which moves with the vector
  }

  Shape shape;
  int type;
  DLTensor view{};

 private:
  std::unique_ptr<TF_Tensor, void (*)(TF_Tensor*)> tensor_;
};

// What an operation of a graph has been made with.
struct Attributes {
  explicit Attributes(TF_OpKernelConstruction* from) {
    Status status;
    int32_t size = 0, unused = 0;
    TF_OpKernelConstruction_GetAttrSize(from, "options", &size, &unused, status);
    status.check();
    numbers.resize(size);
    TF_OpKernelConstruction_GetAttrInt64List(from, "options", numbers.data(), size, status);
    status.check();
    options = tvm::ffi::Array<int64_t>(numbers.begin(), numbers.end());
  }

  Shape numbers;  // six for each layer
  tvm::ffi::Array<int64_t> options;
};

struct Forward : Attributes {
  static constexpr auto function = __tvm_ffi_forward;

  explicit Forward(TF_OpKernelConstruction* from) : Attributes(from) {
    Status status;
    unsigned char value = 0;
    TF_OpKernelConstruction_GetAttrBool(from, "training", &value, status);
    status.check();
    training = value;
  }

  // outputs, last, h, c and saved of each layer, as in engine/_native.py.
  std::vector<Shape> shapes(const std::vector<Tensor>& inputs) const {
    const Shape absent{0};
    std::vector<Shape> found;
    for (std::size_t i = 0; 9 * i + 4 < inputs.size() && 6 * i + 5 < numbers.size(); ++i) {
      const Shape &x = inputs[9 * i].shape, &recurrent_kernel = inputs[9 * i + 4].shape;
      if (x.size() != 3 || recurrent_kernel.size() != 2) {
        TVM_FFI_THROW(ValueError) << "x must have three axes and recurrent_kernel two, got "
                                  << x.size() << " and " << recurrent_kernel.size();
      }
      const int64_t B = x[0], T = x[1], H = recurrent_kernel[0], cell = numbers[6 * i];
      const std::array<AnyView, 3> sizes{cell, inputs[0].type == tf_double ? 8 : 4, H};
      const auto width = call(__tvm_ffi_saved_width, sizes.data(), sizes.size()).cast<int64_t>();
      const bool lstm = cell == static_cast<int64_t>(Cell::lstm), sequences = numbers[6 * i + 5];
      found.push_back(training || sequences ? Shape{B, T, H} : absent);
      found.push_back({B, H});
      found.push_back({B, H});
      found.push_back(lstm ? Shape{B, H} : absent);
      found.push_back(training ? Shape{T, B, width} : absent);
    }
    return found;
  }

  bool training;
};

struct Backward : Attributes {
  static constexpr auto function = __tvm_ffi_backward;
  using Attributes::Attributes;

  // Those of the first six inputs of each layer.
  std::vector<Shape> shapes(const std::vector<Tensor>& inputs) const {
    std::vector<Shape> found;
    for (std::size_t i = 0; 9 * i + 8 < inputs.size() && 6 * i + 5 < numbers.size(); ++i) {
      for (std::size_t k = 0; k < 6; ++k) found.push_back(inputs[9 * i + k].shape);
    }
    return found;
  }
};

template <class Operation>
void* create(TF_OpKernelConstruction* context) {
  Operation* made = nullptr;
  guarded(context, TF_OpKernelConstruction_Failure, [&] { made = new Operation(context); });
  return made;
}

template <class Operation>
void destroy(void* operation) {
  delete static_cast<Operation*>(operation);
}

template <class Operation>
void compute(void* made, TF_OpKernelContext* context) {
  guarded(context, TF_OpKernelContext_Failure, [&] {
    const auto& operation = *static_cast<const Operation*>(made);
    Status status;
    std::vector<Tensor> tensors;
    for (int i = 0; i < TF_NumInputs(context); ++i) {
      TF_Tensor* input = nullptr;
      TF_GetInput(context, i, &input, status);
      status.check();
      tensors.emplace_back(input);
    }
    const std::vector<Shape> shapes = operation.shapes(tensors);
    const int type = tensors.at(0).type;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      std::size_t bytes = type == tf_double ? 8 : 4;
      for (int64_t size : shapes[i]) bytes *= static_cast<std::size_t>(size);
      TF_Tensor* output = TF_AllocateOutput(context, static_cast<int>(i), type, shapes[i].data(),
                                            static_cast<int>(shapes[i].size()), bytes, status);
      status.check();
      tensors.emplace_back(output);
    }
    std::vector<AnyView> args{operation.options};
    for (Tensor& tensor : tensors) args.emplace_back(&tensor.view);
    call(Operation::function, args.data(), args.size());
  });
}

template <class Operation>
void add(const char* name, std::initializer_list<const char*> attributes) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddAttr(definition, "types: list({float, double, bool}) >= 1");
  TF_OpDefinitionBuilderAddAttr(definition, "dtype: {float, double}");
  TF_OpDefinitionBuilderAddAttr(definition, "count: int >= 1");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderAddInput(definition, "inputs: types");
  TF_OpDefinitionBuilderAddOutput(definition, "results: count * dtype");
  // The shapes are set in Python, which has them to set in any case.
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition,
                                                  TF_ShapeInferenceContextSetUnknownShape);
  Status status;
  TF_RegisterOpDefinition(definition, status);
  status.check();
  TF_KernelBuilder* kernel =
      TF_NewKernelBuilder(name, "CPU", create<Operation>, compute<Operation>, destroy<Operation>);
  TF_RegisterKernelBuilder(name, kernel, status);
  status.check();
}

// While the library is opened, which is when TensorFlow looks for new operations.
[[maybe_unused]] const bool added = [] {
  add<Forward>("ElmanForward", {"options: list(int)", "training: bool"});
  add<Backward>("ElmanBackward", {"options: list(int)"});
  return true;
}();

}  // namespace
}  // namespace elman
