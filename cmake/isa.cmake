# Kernels are compiled once per instruction set: src/tensor/*_avx2.c and *_avx512.c get their own flags; which of them
# runs is decided at run time (tensor_init in src/tensor).
file(GLOB AVX2_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/tensor/*_avx2.c)
file(GLOB AVX512_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/tensor/*_avx512.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  if(AVX2_SOURCES)
    set_source_files_properties(${AVX2_SOURCES} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-O3")
  endif()
  if(AVX512_SOURCES)
    set_source_files_properties(${AVX512_SOURCES} PROPERTIES COMPILE_OPTIONS
      "-mavx2;-mfma;-mavx512f;-mavx512vl;-mavx512dq;-mavx512bw;-mprefer-vector-width=512;-O3")
  endif()
endif()
