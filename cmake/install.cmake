# Installation: libraries, headers, the CMake package blasconv and blasconv.pc.
include(CMakePackageConfigHelpers)

install(TARGETS blasconv blasconv_static EXPORT blasconvTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/blasconv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/blasconv)
install(EXPORT blasconvTargets NAMESPACE blasconv:: DESTINATION ${package_folder})
configure_package_config_file(cmake/blasconvConfig.cmake.in blasconvConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(blasconvConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/blasconvConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/blasconvConfigVersion.cmake
        DESTINATION ${package_folder})

# Paths relative to the file itself: an installation may be moved, or staged under another prefix.
file(RELATIVE_PATH BLASCONV_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
list(JOIN OpenMP_C_LIBRARIES " " BLASCONV_OPENMP_LINK)
configure_file(cmake/blasconv.pc.in blasconv.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/blasconv.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
