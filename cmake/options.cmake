# Warnings, standards and hardening for everything that is ours.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
option(TFTD_TESTS "build tests, fuzzers, examples and benchmarks" ON)
option(TFTD_WERROR "treat warnings as errors" ON)
set(TFTD_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined")
option(TFTD_COVERAGE "instrument for gcov" OFF)

add_compile_definitions(_GNU_SOURCE)
# No -ffast-math: same input, same seed, same bytes. Contraction to FMA is fixed by the instruction set, so it is allowed
# (and named, because -std=c17 would switch it off).
add_compile_options(-ffp-contract=fast -fno-math-errno -fno-omit-frame-pointer)
add_library(tftd_warnings INTERFACE)
target_compile_options(tftd_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes
  -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2>)
if(TFTD_WERROR)
  target_compile_options(tftd_warnings INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()

if(TFTD_SANITIZE)
  # Instrumented code hides value ranges from GCC: it then warns of cuts that a plain build proves harmless or meant.
  add_compile_options(-fsanitize=${TFTD_SANITIZE} -fno-sanitize-recover=all -Wno-format-truncation -Wno-maybe-uninitialized -Wno-alloc-size-larger-than)
  add_link_options(-fsanitize=${TFTD_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT TFTD_COVERAGE)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  include(CheckPIESupported)
  check_pie_supported()
endif()
if(TFTD_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
