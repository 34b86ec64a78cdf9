//! The transposed convolution against its definition, and the decoder that uses it.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{ConvNextDecoder, ConvNextEncoder, Params, transposed_conv};

use crate::support::{assert_close, check_gradients, normal, values};

/// Sizes of x `(B, T, H, W, I)`, outputs, and the patch.
const CASES: [([usize; 5], usize, [usize; 3]); 4] = [
    ([2, 3, 2, 4, 5], 3, [2, 2, 2]),
    ([1, 1, 1, 1, 1], 1, [1, 1, 1]),
    ([1, 2, 5, 1, 17], 2, [1, 2, 2]),
    ([3, 1, 2, 3, 2], 6, [2, 1, 3]),
];

fn naive(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    let (b, t, h, w, inputs) = x.dims5().unwrap();
    let (_, outputs, kt, kh, kw) = weight.dims5().unwrap();
    let (x, weight, bias) = (values(x), values(weight), values(bias));
    let mut y = Vec::new();
    for (ib, ot) in (0..b).flat_map(|ib| (0..t * kt).map(move |ot| (ib, ot))) {
        for (oh, ow) in (0..h * kh).flat_map(|oh| (0..w * kw).map(move |ow| (oh, ow))) {
            let from = ((ib * t + ot / kt) * h + oh / kh) * w + ow / kw;
            let tap = ((ot % kt) * kh + oh % kh) * kw + ow % kw;
            for (o, &bias) in bias.iter().enumerate() {
                let terms = (0..inputs).map(|i| x[from * inputs + i] * weight[(i * outputs + o) * kt * kh * kw + tap]);
                y.push(bias + terms.sum::<f64>());
            }
        }
    }
    Tensor::from_vec(y, (b, t * kt, h * kh, w * kw, outputs), &Device::Cpu).unwrap()
}

fn inputs((x, outputs, [kt, kh, kw]): ([usize; 5], usize, [usize; 3])) -> [Tensor; 3] {
    [normal(x.to_vec(), 1), normal((x[4], outputs, kt, kh, kw), 2), normal(outputs, 3)]
}

#[test]
fn agrees_with_the_definition() {
    for case in CASES {
        let [x, weight, bias] = inputs(case);
        let expected = naive(&x, &weight, &bias);
        assert_close(&transposed_conv(&x, &weight, &bias).unwrap(), &expected, 1e-12, "f64");
        let [x, weight, bias] = [x, weight, bias].map(|t| t.to_dtype(DType::F32).unwrap());
        assert_close(&transposed_conv(&x, &weight, &bias).unwrap(), &expected, 1e-5, "f32");
    }
}

#[test]
fn gradients_are_difference_quotients() {
    for case in CASES {
        check_gradients(&inputs(case), |t| transposed_conv(&t[0], &t[1], &t[2]));
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let [x, weight, bias] = inputs(CASES[0]);
    let wrong = normal((4, 3, 2, 2, 2), 4);
    assert!(transposed_conv(&x, &wrong, &bias).is_err());
    assert!(transposed_conv(&x, &weight, &normal(4, 5)).is_err());
}

/// The decoder restores the size that the encoder shrinks, and gradients reach all parameters of both.
#[test]
fn the_decoder_inverts_the_shapes_of_the_encoder() {
    for (frames, dims) in [(16, vec![2, 3, 4, 5, 6]), (4, vec![2, 3, 4, 5])] {
        let params = Params::new(DType::F32, &Device::Cpu, 1);
        let (stages, last) = (dims.len(), dims[dims.len() - 1]);
        let encoder = ConvNextEncoder::new(3, &dims, &vec![1; stages], frames, 0.1, params.pp("encoder")).unwrap();
        let decoder = ConvNextDecoder::new(3, &dims, &vec![1; stages - 1], frames, 0.1, params.pp("decoder")).unwrap();
        let clips = normal((2, 3, frames, 32, 16), 7).to_dtype(DType::F32).unwrap();
        let embedding = encoder.forward(&clips).unwrap();
        assert_eq!(embedding.dims(), [2, 32 / encoder.patch(), 16 / encoder.patch(), last]);
        let restored = decoder.forward(&embedding).unwrap();
        assert_eq!(restored.dims(), [2, frames, 32, 16, 3]);
        let gradients = restored.sqr().unwrap().mean_all().unwrap().backward().unwrap();
        for (name, var) in params.named() {
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
            assert!(values(gradient).iter().any(|g| *g != 0.0), "{name} has a gradient of zeros");
        }
    }
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let error = ConvNextDecoder::new(3, &[2; 5], &[1; 5], 16, 0.1, params).err().unwrap().to_string();
    assert!(error.contains("4 stages"), "{error}");
}
