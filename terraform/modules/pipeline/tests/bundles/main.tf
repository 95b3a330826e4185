# What scripts/bundle would say, for tests that need no bundles.
output "bundles" {
  value = {
    for f in setunion(fileset("../../..", "functions/*/*/function.yaml"), fileset("../../..", "services/*/service.yaml")) :
    basename(dirname(f)) => "${basename(dirname(f))}-0123456789abcdef.zip"
  }
}
