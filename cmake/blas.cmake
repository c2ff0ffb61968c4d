# Which CBLAS the library calls: the target blasconv_blas, and how to name it to a linker outside of
# CMake (BLASCONV_BLAS_LINK, for blasconv.pc).
#
#   BLASCONV_BLAS=openblas          the system's libopenblas, whichever flavour it is
#   BLASCONV_BLAS=openblas-FLAVOUR  Debian's serial, pthread or openmp flavour, by its own folder
#   BLASCONV_BLAS=custom            BLASCONV_CBLAS_LIBRARY (a path), and BLASCONV_CBLAS_PREFIX if its
#                                   symbols have one (scipy_ for scipy-openblas32)
set(BLASCONV_BLAS openblas CACHE STRING "Which CBLAS to link")
set_property(CACHE BLASCONV_BLAS PROPERTY STRINGS
             openblas openblas-serial openblas-pthread openblas-openmp custom)
set(BLASCONV_CBLAS_LIBRARY "" CACHE FILEPATH "The CBLAS library of BLASCONV_BLAS=custom")
set(BLASCONV_CBLAS_PREFIX "" CACHE STRING "What the symbols of the CBLAS library begin with")

include(CheckCSourceCompiles)

if(BLASCONV_BLAS STREQUAL "openblas")
  find_library(BLASCONV_OPENBLAS_LIBRARY openblas REQUIRED)
  set(blas_path ${BLASCONV_OPENBLAS_LIBRARY})
  set(BLASCONV_BLAS_LINK -lopenblas)
elseif(BLASCONV_BLAS MATCHES "^openblas-(serial|pthread|openmp)$")
  # The flavours share one soname, so the folder has to be found at run time too: an rpath.
  string(MAKE_C_IDENTIFIER "BLASCONV_${BLASCONV_BLAS}_LIBRARY" flavour_variable)
  find_library(${flavour_variable} openblas PATH_SUFFIXES ${BLASCONV_BLAS} NO_CACHE REQUIRED
               PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/${BLASCONV_BLAS} NO_DEFAULT_PATH)
  set(blas_path ${${flavour_variable}})
  cmake_path(GET blas_path PARENT_PATH blas_folder)
  set(BLASCONV_BLAS_RPATH ${blas_folder})
  set(BLASCONV_BLAS_LINK "-L${blas_folder} -Wl,-rpath,${blas_folder} -lopenblas")
elseif(BLASCONV_BLAS STREQUAL "custom")
  if(NOT EXISTS "${BLASCONV_CBLAS_LIBRARY}")
    message(FATAL_ERROR "BLASCONV_BLAS=custom needs the path of a library in BLASCONV_CBLAS_LIBRARY")
  endif()
  set(blas_path ${BLASCONV_CBLAS_LIBRARY})
  cmake_path(GET blas_path PARENT_PATH blas_folder)
  set(BLASCONV_BLAS_RPATH ${blas_folder})
  set(BLASCONV_BLAS_LINK "${blas_path} -Wl,-rpath,${blas_folder}")
else()
  message(FATAL_ERROR "BLASCONV_BLAS=${BLASCONV_BLAS} is none of openblas, openblas-serial, "
                      "openblas-pthread, openblas-openmp, custom")
endif()

# The results are kept under the library's own name: another library is asked again.
string(MAKE_C_IDENTIFIER "${blas_path}_${BLASCONV_CBLAS_PREFIX}" blas_name)

# OpenBLAS alone can be asked for its version, flavour and kernels.
set(CMAKE_REQUIRED_LIBRARIES ${blas_path} m)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--unresolved-symbols=ignore-in-shared-libs)
check_c_source_compiles("void ${BLASCONV_CBLAS_PREFIX}cblas_sgemm(void);
  int main(void) { ${BLASCONV_CBLAS_PREFIX}cblas_sgemm(); return 0; }"
  BLASCONV_HAS_SGEMM_${blas_name})
check_c_source_compiles("char *${BLASCONV_CBLAS_PREFIX}openblas_get_config(void);
  int main(void) { return ${BLASCONV_CBLAS_PREFIX}openblas_get_config() == 0; }"
  BLASCONV_HAS_OPENBLAS_${blas_name})
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(NOT BLASCONV_HAS_SGEMM_${blas_name})
  message(FATAL_ERROR "${blas_path} has no ${BLASCONV_CBLAS_PREFIX}cblas_sgemm")
endif()

add_library(blasconv_blas INTERFACE)
target_link_libraries(blasconv_blas INTERFACE ${blas_path})
target_compile_definitions(blasconv_blas INTERFACE
  BLASCONV_CBLAS_PREFIX=${BLASCONV_CBLAS_PREFIX}
  $<$<BOOL:${BLASCONV_HAS_OPENBLAS_${blas_name}}>:BLASCONV_HAS_OPENBLAS>)
message(STATUS "blasconv: SGEMM from ${blas_path}")
