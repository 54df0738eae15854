// A program for mlir-runner: a gate on small numbers, printed.
//   x[t, d] = t + 1, weight[h, d] = h + 1, d < 32; gate = 32 (t+1)(h+1) * 0.5
func.func private @printMemrefF32(tensor<*xf32>)

func.func @gate(%x: tensor<?x32xbf16>, %w: tensor<4x32xbf16>, %a: f32)
    -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x32xbf16>
  %init = tensor.empty(%t) : tensor<?x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  %mm = linalg.matmul
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w : tensor<?x32xbf16>, tensor<4x32xbf16>)
      outs(%fill : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = tensor.splat %a[%t] : tensor<?x4xf32>
  %gate = arith.mulf %mm, %s : tensor<?x4xf32>
  return %gate : tensor<?x4xf32>
}

func.func @ramp(%rows: index) -> tensor<?x32xbf16> {
  %r = tensor.generate %rows {
  ^bb0(%i: index, %d: index):
    %c1 = arith.constant 1 : index
    %n = arith.addi %i, %c1 : index
    %n32 = arith.index_cast %n : index to i32
    %f = arith.sitofp %n32 : i32 to f32
    %b = arith.truncf %f : f32 to bf16
    tensor.yield %b : bf16
  } : tensor<?x32xbf16>
  return %r : tensor<?x32xbf16>
}

func.func @main() {
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %half = arith.constant 0.5 : f32
  %x = call @ramp(%c3) : (index) -> tensor<?x32xbf16>
  %wd = call @ramp(%c4) : (index) -> tensor<?x32xbf16>
  %w = tensor.cast %wd : tensor<?x32xbf16> to tensor<4x32xbf16>
  %gate = call @gate(%x, %w, %half)
      : (tensor<?x32xbf16>, tensor<4x32xbf16>, f32) -> tensor<?x4xf32>
  %u = tensor.cast %gate : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}
