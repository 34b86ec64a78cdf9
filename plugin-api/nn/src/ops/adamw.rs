//! One step of AdamW on one parameter, in place.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var};

use crate::cpu::adamw::{UpdateMoments, UpdateParameter};
use crate::cpu::storage::{by_dtype, slice, slice_mut};
use crate::cuda;
use crate::cuda::plans;

const OP: &str = "AdamW";

/// Updates `moments (2, n)`, the running means of the gradient and of its square, and `parameter`, of n elements.
pub(crate) fn adamw_step(
    parameter: &Var,
    moments: &Tensor,
    gradient: &Tensor,
    update_moments: &UpdateMoments,
    update_parameter: &UpdateParameter,
) -> Result<()> {
    if parameter.device().is_cuda() {
        // Both updates in one kernel. The optimizer alone holds the moments, and reads of the parameter follow on the
        // stream.
        let UpdateMoments { beta1, beta2 } = *update_moments;
        let UpdateParameter { shrink, rate, root_bias, eps } = *update_parameter;
        let rates = [1.0 - beta1, beta2, 1.0 - beta2];
        let plan = plans::adamw::adamw(OP, parameter.elem_count(), rates, [shrink, rate, root_bias, eps])?;
        return cuda::in_place(&plan, &[parameter, moments, gradient]);
    }
    moments.inplace_op2(gradient, update_moments)?;
    parameter.inplace_op2(moments, update_parameter)
}

impl InplaceOp2 for UpdateMoments {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        moments: &mut CpuStorage,
        moments_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        by_dtype!(OP, moments.dtype(), T => {
            let moments = slice_mut::<T>(OP, moments, moments_layout)?;
            self.run(moments, slice(OP, gradient, gradient_layout)?);
            Ok(())
        })
    }
}

impl InplaceOp2 for UpdateParameter {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        parameter_layout: &Layout,
        moments: &CpuStorage,
        moments_layout: &Layout,
    ) -> Result<()> {
        by_dtype!(OP, parameter.dtype(), T => {
            let parameter = slice_mut::<T>(OP, parameter, parameter_layout)?;
            self.run(parameter, slice(OP, moments, moments_layout)?);
            Ok(())
        })
    }
}
