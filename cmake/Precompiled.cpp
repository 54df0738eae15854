// Carries the precompiled header; see IndexerTargets.cmake.
