// A gate with other ops before and after it, two gates in one function, and a
// gate inside a loop.
func.func @before_and_after(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>,
                            %q: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %t = tensor.dim %x, %c0 : tensor<?x64xf32>
  %xb = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
  %init = tensor.empty(%t) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %mm = linalg.matmul
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%xb, %w : tensor<?x64xbf16>, tensor<8x64xbf16>)
      outs(%fill : tensor<?x8xf32>) -> tensor<?x8xf32>
  %gate = arith.mulf %mm, %q : tensor<?x8xf32>
  // A running maximum over the heads: nothing that fuses.
  %rows = tensor.empty(%t) : tensor<?xf32>
  %low = linalg.fill ins(%zero : f32) outs(%rows : tensor<?xf32>)
      -> tensor<?xf32>
  %top = linalg.reduce ins(%gate : tensor<?x8xf32>) outs(%low : tensor<?xf32>)
      dimensions = [1]
      (%a: f32, %b: f32) {
        %m = arith.maximumf %a, %b : f32
        linalg.yield %m : f32
      }
  %out = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%gate, %top : tensor<?x8xf32>, tensor<?xf32>)
      outs(%init : tensor<?x8xf32>) {
  ^bb0(%g: f32, %m: f32, %o: f32):
    %d = arith.subf %g, %m : f32
    %s = arith.mulf %d, %half : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %out : tensor<?x8xf32>
}

func.func @two_gates(%x: tensor<?x96xbf16>, %w0: tensor<8x96xbf16>,
                     %w1: tensor<96x5xf16>, %y: tensor<?x96xf16>, %a: f32)
    -> (tensor<?x8xf32>, tensor<?x5xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x96xbf16>
  %u = tensor.dim %y, %c0 : tensor<?x96xf16>
  %init0 = tensor.empty(%t) : tensor<?x8xf32>
  %fill0 = linalg.fill ins(%zero : f32) outs(%init0 : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %mm0 = linalg.matmul
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w0 : tensor<?x96xbf16>, tensor<8x96xbf16>)
      outs(%fill0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s0 = tensor.splat %a[%t] : tensor<?x8xf32>
  %gate0 = arith.mulf %mm0, %s0 : tensor<?x8xf32>
  %init1 = tensor.empty(%u) : tensor<?x5xf32>
  %fill1 = linalg.fill ins(%zero : f32) outs(%init1 : tensor<?x5xf32>)
      -> tensor<?x5xf32>
  %mm1 = linalg.matmul ins(%y, %w1 : tensor<?x96xf16>, tensor<96x5xf16>)
      outs(%fill1 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %s1 = tensor.splat %a[%u] : tensor<?x5xf32>
  %gate1 = arith.divf %mm1, %s1 : tensor<?x5xf32>
  return %gate0, %gate1 : tensor<?x8xf32>, tensor<?x5xf32>
}

func.func @in_a_loop(%x: tensor<4x7x33xbf16>, %w: tensor<3x33xbf16>,
                     %a: f32) -> tensor<4x7x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty() : tensor<4x7x3xf32>
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%acc = %init)
      -> tensor<4x7x3xf32> {
    %xi = tensor.extract_slice %x[%i, 0, 0] [1, 7, 33] [1, 1, 1]
        : tensor<4x7x33xbf16> to tensor<7x33xbf16>
    %e = tensor.empty() : tensor<7x3xf32>
    %fill = linalg.fill ins(%zero : f32) outs(%e : tensor<7x3xf32>)
        -> tensor<7x3xf32>
    %mm = linalg.matmul
        indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                         affine_map<(t, h, d) -> (h, d)>,
                         affine_map<(t, h, d) -> (t, h)>]
        ins(%xi, %w : tensor<7x33xbf16>, tensor<3x33xbf16>)
        outs(%fill : tensor<7x3xf32>) -> tensor<7x3xf32>
    %s = tensor.splat %a : tensor<7x3xf32>
    %gate = arith.mulf %mm, %s : tensor<7x3xf32>
    %next = tensor.insert_slice %gate into %acc[%i, 0, 0] [1, 7, 3] [1, 1, 1]
        : tensor<7x3xf32> into tensor<4x7x3xf32>
    scf.yield %next : tensor<4x7x3xf32>
  }
  return %r : tensor<4x7x3xf32>
}
