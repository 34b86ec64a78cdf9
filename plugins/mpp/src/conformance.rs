//! The contract of a method, on a small configuration.

physrep_plugin_api::conformance!(
    crate::Mpp,
    {
        "dim": 16,
        "heads": 2,
        "depth": 2,
        "patch": 8,
        "layer_scale": 0.1,
        "drop_path": 0.1,
        "training": { "warmup": 0.0 },
    }
);
