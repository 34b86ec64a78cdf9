//! The contract of a method, on a small configuration.

physrep_plugin_api::conformance!(
    crate::Jepa,
    {
        "dims": [4, 6, 8, 10, 12],
        "num_res_blocks": [0, 1, 1, 1, 1],
        "layer_scale": 0.1,
        "training": { "warmup": 0.0 },
    }
);
