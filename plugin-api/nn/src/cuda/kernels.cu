// All kernels in one module; `tools/ptx` compiles it to ptx/, once for each type of activations.
#include "depthwise.cu"
#include "direct.cu"
#include "mlp.cu"
#include "norm.cu"
#include "optim.cu"
#include "patches.cu"
#include "pointwise.cu"
#include "sums.cu"
