//! Gradients that bypass the autograd graph.

use candle_core::{Device, Result, Tensor, Var};

use crate::cuda::composite::Composite;
use crate::cuda::emulation::possible;
use crate::cuda::handover::Joined;
use crate::cuda::plans::pointwise;
use crate::train::DirectGradients;

/// `x + p`, with a parameter that is used twice, and is in the graph, too.
#[test]
fn handed_over_gradients_are_added_to_those_of_the_graph() -> Result<()> {
    if !possible() {
        return Ok(());
    }
    let vars = [1f32, 2.0, 3.0].map(|value| Var::new(&[value; 4], &Device::Cpu).unwrap());
    let [x, p, q] = vars.each_ref().map(|var| var.as_tensor());
    let sum = |x: &Tensor| -> Result<Tensor> {
        let joined = Joined::new(&[q, p])?;
        let last = pointwise::bias("test", &[1, 4])?;
        let bias = joined.values.narrow(0, 4, 4)?;
        let (input, argument) = (x.reshape((1, 4))?, joined.argument.clone());
        let backward = move |gradient: &Tensor| {
            let flat = gradient.flatten_all()?;
            Ok([Some(gradient.clone()), Some(joined.gradient(Tensor::cat(&[flat.zeros_like()?, flat], 0)?)?)])
        };
        input.apply_op2(&argument, Composite::new(last, [&input, &bias], backward))?.flatten_all()
    };
    let loss = |open: bool| -> Result<Vec<Vec<f32>>> {
        let direct = open.then(DirectGradients::open);
        let loss = (sum(&sum(x)?)? * p)?.sum_all()?;
        let gradients = match direct {
            Some(direct) => direct.backward(&loss)?,
            None => loss.backward()?,
        };
        vars.iter().map(|var| gradients.get(var).unwrap().to_vec1()).collect()
    };
    assert_eq!(loss(true)?, loss(false)?);
    let late = {
        let _direct = DirectGradients::open();
        sum(x)?.sum_all()?
    };
    let error = late.backward().unwrap_err().to_string();
    assert!(error.contains("DirectGradients"), "{error}");
    assert_eq!(loss(true)?[1], vec![2.0 * 2.0 + 1.0 + 2.0 * 2.0; 4]);
    Ok(())
}
