//! The contract of a method, on a small configuration.

physrep_plugin_api::conformance!(
    crate::Disco,
    {
        "dim": 16,
        "depth": 1,
        "heads": 2,
        "layer_scale": 0.1,
        "generator_dim": 16,
        "start_channels": 4,
        "integrator": { "rtol": 1e-2, "atol": 1e-2, "min_step": 1.0 },
        "training": { "warmup": 0.0 },
    }
);
