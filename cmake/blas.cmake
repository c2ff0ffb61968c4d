# Which CBLAS the library calls: the target blasconv_blas with the header blas.h, and how to name it
# to a linker outside of CMake (BLASCONV_BLAS_LINK, for blasconv.pc).
#
#   BLASCONV_BLAS=openblas          the system's libopenblas, whichever flavour it is
#   BLASCONV_BLAS=openblas64        the system's libopenblas64, whose integers have 64 bits
#   BLASCONV_BLAS=openblas-FLAVOUR  Debian's serial, pthread or openmp flavour, by its own folder
#   BLASCONV_BLAS=openblas64-FLAVOUR  the same with integers of 64 bits
#   BLASCONV_BLAS=custom            BLASCONV_CBLAS_LIBRARY (a path), and what is peculiar to it:
#                                   BLASCONV_CBLAS_PREFIX and _SUFFIX if its symbols have such
#                                   (scipy_ and 64_ for scipy-openblas64), BLASCONV_BLAS_INT64
set(BLASCONV_BLAS openblas CACHE STRING "Which CBLAS to link")
set_property(CACHE BLASCONV_BLAS PROPERTY STRINGS
             openblas openblas-serial openblas-pthread openblas-openmp
             openblas64 openblas64-serial openblas64-pthread openblas64-openmp custom)
set(BLASCONV_CBLAS_LIBRARY "" CACHE FILEPATH "The CBLAS library of BLASCONV_BLAS=custom")
set(BLASCONV_CBLAS_PREFIX "" CACHE STRING "What the symbols of the CBLAS library begin with")
set(BLASCONV_CBLAS_SUFFIX "" CACHE STRING "What the symbols of the CBLAS library end with")
option(BLASCONV_BLAS_INT64 "The CBLAS library of BLASCONV_BLAS=custom has integers of 64 bits" OFF)

include(CheckCSourceCompiles)
include(CheckCSourceRuns)

string(MAKE_C_IDENTIFIER "BLASCONV_${BLASCONV_BLAS}_LIBRARY" blas_variable)
set(blas_int64 OFF)
if(BLASCONV_BLAS MATCHES "^openblas(64)?$")
  find_library(${blas_variable} ${BLASCONV_BLAS} REQUIRED)
  set(blas_path ${${blas_variable}})
  set(BLASCONV_BLAS_LINK -l${BLASCONV_BLAS})
elseif(BLASCONV_BLAS MATCHES "^(openblas(64)?)-(serial|pthread|openmp)$")
  # The flavours share one soname, so the folder has to be found at run time too: an rpath.
  set(blas_library ${CMAKE_MATCH_1})
  find_library(${blas_variable} ${blas_library} PATH_SUFFIXES ${BLASCONV_BLAS} NO_CACHE REQUIRED
               PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/${BLASCONV_BLAS} NO_DEFAULT_PATH)
  set(blas_path ${${blas_variable}})
  cmake_path(GET blas_path PARENT_PATH blas_folder)
  set(BLASCONV_BLAS_RPATH ${blas_folder})
  set(BLASCONV_BLAS_LINK "-L${blas_folder} -Wl,-rpath,${blas_folder} -l${blas_library}")
elseif(BLASCONV_BLAS STREQUAL "custom")
  if(NOT EXISTS "${BLASCONV_CBLAS_LIBRARY}")
    message(FATAL_ERROR "BLASCONV_BLAS=custom needs the path of a library in BLASCONV_CBLAS_LIBRARY")
  endif()
  set(blas_path ${BLASCONV_CBLAS_LIBRARY})
  set(blas_int64 ${BLASCONV_BLAS_INT64})
  cmake_path(GET blas_path PARENT_PATH blas_folder)
  set(BLASCONV_BLAS_RPATH ${blas_folder})
  set(BLASCONV_BLAS_LINK "${blas_path} -Wl,-rpath,${blas_folder}")
else()
  message(FATAL_ERROR "BLASCONV_BLAS=${BLASCONV_BLAS} is none of openblas, openblas-serial, "
                      "openblas-pthread, openblas-openmp, the same with openblas64, custom")
endif()
if(BLASCONV_BLAS MATCHES "^openblas64")
  set(blas_int64 ON)
endif()

# The results are kept under the library's own name: another library is asked again.
set(blas_sgemm ${BLASCONV_CBLAS_PREFIX}cblas_sgemm${BLASCONV_CBLAS_SUFFIX})
set(blas_config ${BLASCONV_CBLAS_PREFIX}openblas_get_config${BLASCONV_CBLAS_SUFFIX})
string(MAKE_C_IDENTIFIER "${blas_path}_${blas_sgemm}" blas_name)

# OpenBLAS alone can be asked for its version, flavour, kernels and integers.
set(CMAKE_REQUIRED_LIBRARIES ${blas_path} m)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--unresolved-symbols=ignore-in-shared-libs)
check_c_source_compiles("void ${blas_sgemm}(void); int main(void) { ${blas_sgemm}(); return 0; }"
  BLASCONV_HAS_SGEMM_${blas_name})
check_c_source_compiles("char *${blas_config}(void);
  int main(void) { return ${blas_config}() == 0; }"
  BLASCONV_HAS_OPENBLAS_${blas_name})
if(BLASCONV_HAS_OPENBLAS_${blas_name} AND NOT CMAKE_CROSSCOMPILING)
  if(BLASCONV_BLAS_RPATH)
    list(APPEND CMAKE_REQUIRED_LINK_OPTIONS -Wl,-rpath,${BLASCONV_BLAS_RPATH})
  endif()
  check_c_source_runs("#include <string.h>
    char *${blas_config}(void);
    int main(void) { return strstr(${blas_config}(), \"USE64BITINT\") == NULL; }"
    BLASCONV_HAS_INT64_${blas_name})
  if(blas_int64 AND NOT BLASCONV_HAS_INT64_${blas_name})
    message(FATAL_ERROR "${blas_path} has integers of 32 bits, not 64")
  elseif(BLASCONV_HAS_INT64_${blas_name} AND NOT blas_int64)
    message(FATAL_ERROR "${blas_path} has integers of 64 bits: with BLASCONV_BLAS=custom, set "
                        "BLASCONV_BLAS_INT64=ON")
  endif()
endif()
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(NOT BLASCONV_HAS_SGEMM_${blas_name})
  message(FATAL_ERROR "${blas_path} has no ${blas_sgemm}")
endif()

add_library(blasconv_blas INTERFACE)
target_link_libraries(blasconv_blas INTERFACE ${blas_path})
target_include_directories(blasconv_blas INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_compile_definitions(blasconv_blas INTERFACE
  BLASCONV_CBLAS_PREFIX=${BLASCONV_CBLAS_PREFIX} BLASCONV_CBLAS_SUFFIX=${BLASCONV_CBLAS_SUFFIX}
  $<$<BOOL:${blas_int64}>:BLASCONV_BLAS_INT64>
  $<$<BOOL:${BLASCONV_HAS_OPENBLAS_${blas_name}}>:BLASCONV_HAS_OPENBLAS>)
message(STATUS "blasconv: SGEMM from ${blas_path}")
